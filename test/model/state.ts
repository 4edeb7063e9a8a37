import { isDeepStrictEqual } from 'node:util'
import type { Heard } from './calls.js'

export const LIFE_MS = 7 * 86_400_000
export const RECORD_MS = 86_400_000
/** Times that the database sets now lie this near to the test's own clock. */
export const NOW_MS = 60_000

/** A message of which the relay has a record. Times are in milliseconds since 1970. */
export interface Message {
  readonly id: string
  readonly by: string
  readonly to: string
  readonly clientMessageId: string | undefined
  readonly ciphertext: string
  readonly createdAt: number
  readonly expiresAt: number
  /** `unheard`: it was confirmed among many, an answer that tells no times. */
  readonly deliveredAt: number | 'unheard' | undefined
  readonly forgetAt: number
}

export interface Person {
  readonly username: string
  readonly publicKey: string
  readonly keyVersion: number
  readonly keyUpdatedAt: number
}

/** All that the relay has to know, as the model sees it. */
export interface State {
  readonly people: Readonly<Record<string, Person>>
  /** In the order of their ids. */
  readonly messages: readonly Message[]
}

/** Either the state after a call, or what should have been heard instead. */
export type Verdict = { readonly next: State } | { readonly expected: unknown }

export function isWaiting(message: Message, now: number): boolean {
  return message.deliveredAt === undefined && message.expiresAt > now
}

export function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** That exactly this was heard. */
export function expecting(expected: Heard, heard: Heard, next: State): Verdict {
  return isDeepStrictEqual(heard, expected) ? { next } : { expected }
}

export function withMessage(state: State, message: Message): State {
  const others = state.messages.filter(({ id }) => id !== message.id)
  return { ...state, messages: [...others, message].toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
}

/** What the purge leaves. */
export function purged(state: State, now: number): State {
  return { ...state, messages: state.messages.filter(({ forgetAt }) => forgetAt > now) }
}

/** Time has passed: all that has a time lies further back. */
export function aged(state: State, milliseconds: number): State {
  const messages = state.messages.map((message) => ({
    ...message,
    createdAt: message.createdAt - milliseconds,
    expiresAt: message.expiresAt - milliseconds,
    forgetAt: message.forgetAt - milliseconds,
    deliveredAt:
      typeof message.deliveredAt === 'number' ? message.deliveredAt - milliseconds : message.deliveredAt,
  }))
  return { ...state, messages }
}
