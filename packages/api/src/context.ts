import type { ApiError } from './errors.js'

/** What a door tells of a call before its procedure runs. */
export interface CallContext {
  readonly requestId: string
  /** The client's address as limits count it: IPv4, or an IPv6 network. */
  readonly address: string
  /** The token of `Authorization: Bearer`, unverified. */
  readonly bearer: string | undefined
  /** The call is one of a tRPC batch. */
  readonly batched: boolean
  /** The door refuses the whole request; the call is counted and does not run. */
  readonly refused?: ApiError | undefined
  /** What the door found wrong with the input, for operations that read one; told only after the caller was admitted. */
  readonly unreadable?: ApiError | undefined
}
