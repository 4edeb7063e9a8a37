import { randomUUID } from 'node:crypto'
import { createHash } from 'node:crypto'
import { makeDraft, type Draft } from '../../server/dist/mailbox/draft.js'
import type { Relay } from '../harness/relay.js'

/** The id of the user of a number, spread as random ones are. */
export function userId(number: number): string {
  const hex = createHash('md5').update(`user ${number}`).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** A user with thousands of delivered messages. */
export const BUSY = userId(4)
/** Messages of each user, half of them delivered. */
const EACH = 10
const DELIVERED_TO_BUSY = 3000
/** What is due to be forgotten, of each size. */
const DUE = 2000

export function range(count: number, from = 1): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

/** Drafts in the order of their keys, to different users or to one. */
export function draftsFor(count: number, recipient?: string): Draft[] {
  const ciphertext = 'x'.repeat(1024)
  return range(count, 10)
    .map((number) =>
      makeDraft(userId(number + 1), { recipient_id: recipient ?? userId(number), ciphertext }, randomUUID),
    )
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

const INSERT = `insert into messages
  (recipient_id, sender_id, client_message_id, ciphertext, ciphertext_hash, expires_at, delivered_at, forget_at)`
const IN_A_WEEK = `now() + interval '7 days'`
const idOf = (number: string): string => `md5('user ' || ${number})::uuid`

/** Users of these numbers with their messages, and what is due to be forgotten. */
export async function seedCrowd(relay: Relay, from: number, to: number): Promise<void> {
  const users = `generate_series(${from}, ${to}) u`
  for (const statement of [
    `insert into users (id, username, password_hash) select ${idOf('u')}, 'seed' || u, 'x' from ${users}`,
    `insert into public_keys (user_id, public_key, fingerprint) select ${idOf('u')}, 'k', 'f' from ${users}`,
    `${INSERT} select ${idOf('u')}, ${idOf('u')}, gen_random_uuid(), case when i % 2 = 0 then repeat('x', 200) end,
      '\\x00', ${IN_A_WEEK}, case when i % 2 = 1 then now() end, ${IN_A_WEEK}
      from generate_series(1, ${EACH}) i, ${users}`,
    `${INSERT} select ${idOf('4')}, ${idOf('5')}, gen_random_uuid(), null, '\\x00', ${IN_A_WEEK}, now(), ${IN_A_WEEK}
      from generate_series(1, ${DELIVERED_TO_BUSY})`,
    `${INSERT} select ${idOf('6')}, ${idOf('u')}, gen_random_uuid(), null, '\\x00', now(), null, now()
      from generate_series(${from}, ${from + DUE - 1}) u`,
    'vacuum analyze users',
    'vacuum analyze public_keys',
    'vacuum analyze messages',
  ])
    await relay.sql(statement)
}
