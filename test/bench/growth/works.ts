import { randomInt } from 'node:crypto'
import { tokenFor } from '../../harness/tokens.js'
import { load, type Call, type Run } from './load.js'
import type { Running } from '../peers/servers.js'
import { userId, type Table } from './table.js'

export const WORKS = ['send', 'list', 'confirm'] as const
export type Work = (typeof WORKS)[number]

/** A table with the server on it. */
export interface Subject {
  readonly table: Table
  readonly server: Running
  /** Tokens, so that making them is no part of what is measured. */
  readonly tokens: Map<string, { readonly token: string; readonly madeAt: number }>
  /** Readers who get half of the churn, and are a tenth of those that are measured. */
  readonly busy: readonly string[]
}

interface Waiting {
  readonly recipient: string
  readonly id: string
}

const SENDS_AT_ONCE = 64
const READS_AT_ONCE = 16
/** As many in each table: what the server remembers of a user helps both alike. */
const READERS = 2000
const SENDERS = 1000
const BUSY_READERS = 200
/** Waiting messages of each reader. */
const WAITING = 10
const CIPHERTEXT = 'x'.repeat(1024)
const WARM_UP_MS = 1000
/** Of the thirty minutes that one lives. */
const TOKEN_USE_MS = 20 * 60_000

/** A token that is good for ten minutes at least. */
export function tokenOf({ tokens }: Subject, id: string): string {
  const known = tokens.get(id)
  const now = Date.now()
  if (known && now - known.madeAt < TOKEN_USE_MS) return known.token
  const token = tokenFor(id)
  tokens.set(id, { token, madeAt: now })
  return token
}

export function createSubject(table: Table, server: Running): Subject {
  const busy = Array.from({ length: BUSY_READERS }, (_, index) => userId(1 + index))
  return { table, server, tokens: new Map(), busy }
}

/** The first half of the users read, the other half is sent to: so mailboxes that are read stay as long as they are. */
export function someReader({ table }: Subject): string {
  return userId(1 + randomInt(table.users / 2))
}

export function someRecipient({ table }: Subject): string {
  return userId(1 + table.users / 2 + randomInt(table.users / 2))
}

export function sendCall(subject: Subject, recipient: string): Call {
  const sender = userId(1 + (randomInt(SENDERS) % subject.table.users))
  const body = JSON.stringify({ recipient_id: recipient, ciphertext: CIPHERTEXT })
  return { method: 'POST', path: '/messages', token: tokenOf(subject, sender), body }
}

export function confirmCall(subject: Subject, { recipient, id }: Waiting): Call {
  return { method: 'PUT', path: `/messages/${id}/delivered`, token: tokenOf(subject, recipient) }
}

/** Gives each reader what is missing to a mailbox of ten; the full table's mailboxes have them from the start. */
async function topUp({ table }: Subject, readers: readonly string[]): Promise<void> {
  await table.query(
    `insert into messages
      (recipient_id, sender_id, client_message_id, ciphertext, ciphertext_hash, expires_at, forget_at)
      select u, u, gen_random_uuid(), repeat('x', 200), '\\x00', now() + interval '168 hours', now() + interval '192 hours'
      from (select distinct unnest($1::uuid[]) as u) readers, lateral generate_series(1, ${WAITING} -
        (select count(*)::int from messages where recipient_id = u and delivered_at is null))`,
    [readers],
  )
}

async function findWaiting({ table }: Subject, readers: readonly string[]): Promise<Waiting[]> {
  const found = await table.query<{ recipient: string; id: string }>(
    `select u as recipient, m.id from (select distinct unnest($1::uuid[]) as u) readers, lateral
      (select id from messages where recipient_id = u and delivered_at is null order by id limit ${WAITING}) m
      order by random()`,
    [readers],
  )
  return found.map(({ recipient, id }) => ({ recipient, id }))
}

/** Does one kind of work for some seconds, after a moment that does not count. */
export async function measure(subject: Subject, work: Work, seconds: number): Promise<Run> {
  const readers = [
    ...subject.busy,
    ...Array.from({ length: READERS - subject.busy.length }, () => someReader(subject)),
  ]
  if (work !== 'send') await topUp(subject, readers)
  const waiting = work === 'confirm' ? await findWaiting(subject, readers) : []
  for (const reader of work === 'send' ? [] : readers) tokenOf(subject, reader)
  const calls: Record<Work, () => Call | undefined> = {
    send: () => sendCall(subject, someRecipient(subject)),
    list: () => {
      const reader = readers[randomInt(READERS)] ?? ''
      return { method: 'GET', path: '/messages', token: tokenOf(subject, reader) }
    },
    confirm: () => {
      const next = waiting.pop()
      return next && confirmCall(subject, next)
    },
  }
  const atOnce = work === 'send' ? SENDS_AT_ONCE : READS_AT_ONCE
  const next = calls[work]
  const { port } = subject.server
  await load({ port, atOnce, next, goesOn: (elapsedMs) => elapsedMs < WARM_UP_MS })
  return load({ port, atOnce, next, goesOn: (elapsedMs) => elapsedMs < seconds * 1000 })
}
