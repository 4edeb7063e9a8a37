import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createPool } from '../../server/dist/database/pool.js'
import { createLog } from '../../server/dist/log.js'
import { PageStore, type PageRequest } from '../../server/dist/mailbox/page-store.js'
import { useRelay } from '../harness/relay.js'

const MAILBOXES = 6
const EACH = 5
const CIPHERTEXT_BYTES = 1000
const MUCH = 1_000_000

const relay = useRelay({ PURGE_SCHEDULE: '0 0 1 1 *' })
let owners: string[] = []
let waiting: string[][] = []

function openPages(): PageStore {
  const pool = createPool({ connectionString: relay.databaseUrl }, 2, createLog('silent'))
  onTestFinished(() => pool.end())
  return new PageStore(pool)
}

/** To each of them messages of these lengths, one after another. */
async function insertMessages(recipients: readonly string[], lengths: readonly number[]): Promise<void> {
  for (const length of lengths)
    await relay.sql(
      `insert into messages (recipient_id, sender_id, client_message_id, ciphertext, ciphertext_hash, expires_at, forget_at)
        select recipient, $1, gen_random_uuid(), repeat('x', $3), '\\x00', now() + interval '1 hour', now() + interval '1 day'
        from unnest($2::uuid[]) recipient`,
      [owners[0], recipients, length],
    )
}

beforeAll(async () => {
  owners = await relay.database.insertPeople(MAILBOXES)
  await insertMessages(
    owners.slice(1),
    Array.from({ length: EACH }, () => CIPHERTEXT_BYTES),
  )
  const rows = await relay.sql<{ recipient_id: string; id: string }>(
    'select recipient_id, id from messages order by id',
  )
  waiting = owners.map((owner) => rows.filter((row) => row.recipient_id === owner).map(({ id }) => id))
})

test('pages that are read together are those that each reader gets alone: own mailbox, position, limit and size', async () => {
  const pages = openPages()
  const of = (at: number, rest: Partial<PageRequest> = {}): PageRequest => ({
    recipientId: owners[at] ?? '',
    limit: 50,
    after: undefined,
    maxBytes: MUCH,
    ...rest,
  })
  const requests = [
    of(1),
    of(2, { limit: 2 }),
    of(0),
    of(3, { after: waiting[3]?.[2] }),
    of(4, { maxBytes: CIPHERTEXT_BYTES + 1 }),
    of(5, { maxBytes: 1 }),
    // The same mailbox twice, at different positions.
    of(1, { after: waiting[1]?.[0], limit: 1 }),
  ]
  const together = await pages.readEach(requests)
  const alone = (await Promise.all(requests.map((request) => pages.readEach([request])))).flat()
  const measured = await Promise.all(requests.map((request) => pages.read(request)))

  const ids = together.map(({ messages }) => messages.map(({ id }) => id))
  const of1 = waiting[1] ?? []
  expect(ids).toEqual([
    of1,
    waiting[2]?.slice(0, 2),
    [],
    waiting[3]?.slice(3),
    waiting[4]?.slice(0, 2),
    waiting[5]?.slice(0, 1),
    of1.slice(1, 2),
  ])
  expect(together.map(({ more }) => more)).toEqual([false, true, false, false, true, true, true])
  for (const others of [alone, measured])
    expect(others.map(({ messages, more }) => [messages.map(({ id }) => id), more])).toEqual(
      together.map(({ more }, at) => [ids[at], more]),
    )
})

test('a large message among small ones is listed like them, whole, read alone or with other mailboxes', async () => {
  const pages = openPages()
  const recipients = await relay.database.insertPeople(2)
  const limit = 50
  const lengths = [1, MUCH / limit + 1, 2]
  await insertMessages(recipients, lengths)
  const requests = recipients.map((recipientId) => ({ recipientId, limit, after: undefined, maxBytes: MUCH }))
  const read = [...(await pages.readEach(requests.slice(0, 1))), ...(await pages.readEach(requests))]
  expect(read.map(({ messages }) => messages.map(({ ciphertext }) => ciphertext.length))).toEqual([
    lengths,
    lengths,
    lengths,
  ])
})
