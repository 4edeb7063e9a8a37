import { beforeAll, describe, expect, test } from 'vitest'
import { DELETE_FORGOTTEN } from '../../server/dist/retention/store.js'
import { outcomeOf } from '../harness/http.js'
import { SECRET_KEY, useRelay, type Relay, type TestUser } from '../harness/relay.js'
import { startServer } from '../harness/server.js'

const NEVER = '0 0 1 1 *'
const EVERY_SECOND = '* * * * * *'

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to pass within 20 seconds')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Moves a message into the past, as if so much time had gone by. */
async function age(relay: Relay, id: string, interval: string): Promise<void> {
  await relay.sql(
    `update messages set created_at = created_at - $2::interval, expires_at = expires_at - $2::interval,
      delivered_at = delivered_at - $2::interval, forget_at = forget_at - $2::interval where id = $1`,
    [id, interval],
  )
}

async function exists(relay: Relay, id: string): Promise<boolean> {
  return (await relay.sql('select 1 from messages where id = $1', [id])).length === 1
}

describe('the life of a message', () => {
  const relay = useRelay({ PURGE_SCHEDULE: NEVER })
  let alice: TestUser
  let bob: TestUser
  // A problem's status is the number of its HTTP status.
  const statusOf = async (id: string): Promise<unknown> =>
    Object((await relay.get(`/messages/${id}/status?recipient_id=${bob.id}`, { token: alice.token })).json)
      .status
  const listed = async (id: string): Promise<boolean> =>
    (await relay.inbox(bob, '?limit=100')).messages.some((message) => message.id === id)

  beforeAll(async () => {
    alice = await relay.user()
    bob = await relay.user()
  })

  test('is seven days to the second: a minute before it is listed, a moment after it is gone from every reading', async () => {
    const id = await relay.send(alice, bob, 'x')
    await age(relay, id, '167 hours 59 minutes')
    expect(await listed(id)).toBe(true)
    expect(await statusOf(id)).toBe('pending')
    await age(relay, id, '61 seconds')
    expect(await listed(id)).toBe(false)
    expect(outcomeOf(await relay.confirm(bob, id))).toBe('404 not_found')
    const many = await relay.post('/messages/delivered', { ids: [id] }, { token: bob.token })
    expect(many.json).toEqual({ delivered: [], unknown: [id] })
    expect(await statusOf(id)).toBe('expired')
  })

  test('leaves a record for 24 hours after expiry, then none', async () => {
    const id = await relay.send(alice, bob, 'x')
    await age(relay, id, '191 hours 59 minutes')
    expect(await statusOf(id)).toBe('expired')
    await age(relay, id, '61 seconds')
    expect(await statusOf(id)).toBe(404)
  })

  test('leaves a record for 24 hours after confirmation, then none', async () => {
    const id = await relay.send(alice, bob, 'x')
    const first = await relay.confirm(bob, id)
    expect(outcomeOf(first)).toBe('200')
    await age(relay, id, '23 hours 59 minutes')
    expect(outcomeOf(await relay.confirm(bob, id))).toBe('200')
    expect(await statusOf(id)).toBe('delivered')
    await age(relay, id, '61 seconds')
    expect(outcomeOf(await relay.confirm(bob, id))).toBe('404 not_found')
    expect(await statusOf(id)).toBe(404)
  })

  test('confirmed a day before its end keeps the time of its confirmation', async () => {
    const id = await relay.send(alice, bob, 'x')
    await age(relay, id, '167 hours')
    const first = await relay.confirm(bob, id)
    await relay.sql(`update messages set expires_at = now() - interval '1 hour' where id = $1`, [id])
    expect((await relay.confirm(bob, id)).json).toEqual(first.json)
  })
})

describe('the purge', () => {
  const relay = useRelay({ PURGE_SCHEDULE: EVERY_SECOND })

  test('removes a record 24 hours after expiry or confirmation, and nothing before', async () => {
    const [alice, bob] = await relay.users(2)
    if (!alice || !bob) throw new Error('no users')
    const send = (): Promise<string> => relay.send(alice, bob, 'x')
    const [waiting, expired, over, confirmed] = [await send(), await send(), await send(), await send()]
    await relay.confirm(bob, confirmed)
    await age(relay, waiting, '167 hours 59 minutes')
    await age(relay, expired, '191 hours 59 minutes')
    await age(relay, over, '192 hours 1 second')
    await eventually(async () => !(await exists(relay, over)))
    await new Promise((resolve) => setTimeout(resolve, 2200))
    for (const id of [waiting, expired, confirmed]) expect(await exists(relay, id)).toBe(true)
    await age(relay, confirmed, '24 hours 1 second')
    await eventually(async () => !(await exists(relay, confirmed)))
    const { text } = await relay.get('/metrics')
    expect(text).toMatch(/^purge_removed_records_total 2$/m)
    expect(text).toMatch(/^purge_last_completed_timestamp_seconds \d/m)
  })

  test('frees a client_message_id with the record', async () => {
    const [alice, bob] = await relay.users(2)
    if (!alice || !bob) throw new Error('no users')
    const key = crypto.randomUUID()
    const first = await relay.send(alice, bob, 'one', key)
    await age(relay, first, '193 hours')
    await eventually(async () => !(await exists(relay, first)))
    expect(await relay.send(alice, bob, 'another', key)).not.toBe(first)
  })
})

describe('several purgers at once', () => {
  const relay = useRelay({ PURGE_SCHEDULE: EVERY_SECOND })

  test('remove 5,000 records between them without an error, while messages come and go', async () => {
    const other = startServer({
      SECRET_KEY,
      DATABASE_URL: relay.databaseUrl,
      LIMITS: 'off',
      PURGE_SCHEDULE: EVERY_SECOND,
    })
    await other.listening
    const [alice, bob] = await relay.users(2)
    if (!alice || !bob) throw new Error('no users')
    await relay.sql(
      `insert into messages (recipient_id, sender_id, client_message_id, ciphertext_hash, expires_at, forget_at)
        select $1, $2, gen_random_uuid(), '\\x00', now() - interval '25 hours', now() - interval '1 hour'
        from generate_series(1, 5000)`,
      [bob.id, alice.id],
    )
    const kept: string[] = []
    await eventually(async () => {
      kept.push(await relay.send(alice, bob, 'stays'))
      const [row] = await relay.sql<{ left: number }>(
        `select count(*)::int as left from messages where forget_at < now()`,
      )
      return row?.left === 0
    })
    for (const id of kept) expect(await exists(relay, id)).toBe(true)
    expect(await other.stop()).toBe(0)
    for (const output of [relay.running.output(), other.output()])
      expect(output).not.toMatch(/cut short|fault/)
  })
})

describe('the statement of the purge', () => {
  const relay = useRelay({ PURGE_SCHEDULE: NEVER })

  test('is correct when two run it at the same time', async () => {
    const [alice, bob] = await relay.users(2)
    if (!alice || !bob) throw new Error('no users')
    await relay.sql(
      `insert into messages (recipient_id, sender_id, client_message_id, ciphertext_hash, expires_at, forget_at)
        select $1, $2, gen_random_uuid(), '\\x00', now(), now() + (case when i % 2 = 0 then -1 else 1 end) * interval '1 hour'
        from generate_series(1, 8000) i`,
      [bob.id, alice.id],
    )
    // The suite's pool gives each its own connection.
    const purger = async (): Promise<number> => {
      let removed = 0
      for (;;) {
        const rows = await relay.sql(`${DELETE_FORGOTTEN} returning 1`)
        removed += rows.length
        if (rows.length === 0) return removed
      }
    }
    const removed = await Promise.all([purger(), purger(), purger()])
    const [left] = await relay.sql<{ due: number; kept: number }>(
      `select count(*) filter (where forget_at < now())::int as due, count(*)::int as kept from messages`,
    )
    expect(left).toEqual({ due: 0, kept: 4000 })
    expect(removed.reduce((sum, rows) => sum + rows, 0)).toBe(4000)
  })
})

describe('MESSAGE_LIFE_SECONDS', () => {
  const relay = useRelay({ MESSAGE_LIFE_SECONDS: '2', PURGE_SCHEDULE: NEVER })

  test('shortens the life outside production', async () => {
    const [alice, bob] = await relay.users(2)
    if (!alice || !bob) throw new Error('no users')
    await relay.send(alice, bob, 'x')
    const [message] = (await relay.inbox(bob)).messages
    expect(Date.parse(String(message?.expires_at)) - Date.parse(String(message?.created_at))).toBe(2000)
    await eventually(async () => (await relay.inbox(bob)).messages.length === 0)
  })
})
