import { afterAll, expect, it } from 'vitest'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, useRelay } from '../harness/relay.js'

const ROWS = 20_000
const EACH_SECOND = '* * * * * *'

const relay = useRelay({ PURGE_SCHEDULE: EACH_SECOND })
let other: ServerProcess | undefined

/** Records whose time is long over, more than a purge removes in a moment. */
async function insertForgotten(): Promise<void> {
  const [id = ''] = await relay.database.insertPeople(1)
  await relay.sql(
    `insert into messages (recipient_id, sender_id, client_message_id, ciphertext_hash, expires_at, delivered_at, forget_at)
      select $1, $1, gen_random_uuid(), '\\x00', now() - interval '2 days', now() - interval '3 days', now() - interval '1 day'
      from generate_series(1, $2::int)`,
    [id, ROWS],
  )
}

async function countForgotten(): Promise<number> {
  const [row] = await relay.sql<{ count: string }>('select count(*) from messages where forget_at < now()')
  return Number(row?.count)
}

afterAll(async () => {
  relay.process.child.kill('SIGCONT')
  other?.child.kill('SIGTERM')
  await other?.ended
})

it('An instance that stands still in the middle of a purge leaves it to the others', async () => {
  await insertForgotten()
  await expect.poll(countForgotten, { timeout: 10_000, interval: 20 }).toBeLessThan(ROWS)
  relay.process.child.kill('SIGSTOP')
  other = spawnServer({ SECRET_KEY, DATABASE_URL: relay.databaseUrl, PURGE_SCHEDULE: EACH_SECOND })
  await other.listening
  expect(await countForgotten()).toBeGreaterThan(0)
  await expect.poll(countForgotten, { timeout: 60_000, interval: 500 }).toBe(0)
}, 100_000)
