import type { ApiError } from './errors.js'

/** The part of an AbortSignal that is needed; its type belongs to the surroundings, which this package does not choose. */
export interface Ending {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options: { once: true }): void
}

/** What a door tells of a call before its procedure runs. */
export interface CallContext {
  readonly requestId: string
  /** The client's address as limits count it: IPv4, or an IPv6 network. */
  readonly address: string
  /** The token of `Authorization: Bearer`, unverified. */
  readonly bearer: string | undefined
  /** Ends with the client's connection, or with the answer. */
  readonly disconnected: () => Ending
  /** Puts the database's epoch into the answer's head, as `Relay-Epoch`. */
  readonly tellEpoch: (epoch: string) => void
  /** The call is one of a tRPC batch. */
  readonly batched: boolean
  /** The door refuses the whole request; the call is counted and does not run. */
  readonly refused?: ApiError | undefined
  /** What the door found wrong with the input, for operations that read one; told only after the caller was admitted. */
  readonly unreadable?: ApiError | undefined
}
