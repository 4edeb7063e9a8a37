import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { startPair, type Pair } from '../harness/postgres-node.js'
import { spawnServer } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const UNAVAILABLE = '503 unavailable'
/** From a request's arrival to its answer, and what a busy machine takes. */
const DEADLINE_MS = 12_000 + 2000

let pair: Pair
let base = ''
let [alice, bob]: [string, string] = ['', '']
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  pair = await startPair()
  undo.push(() => pair.remove())
  const server = spawnServer({
    SECRET_KEY,
    DATABASE_URL: pair.url,
    LIMITS: 'off',
    PURGE_SCHEDULE: '0 0 1 1 *',
  })
  undo.push(() => {
    server.child.kill('SIGTERM')
    return server.ended
  })
  base = await server.listening
  ;[alice, bob] = [await register(), await register()]
  await pair.primary.sql(`alter system set synchronous_standby_names = '*'`)
  await pair.primary.sql('select pg_reload_conf()')
})
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

async function register(): Promise<string> {
  const json = { username: `u${randomUUID().slice(0, 8)}`, password: 'a good password', public_key: 'k' }
  const made = await request(base, 'POST', '/register', { json })
  return made.status === 201 ? String(Object(made.json).id) : outcomeOf(made)
}

function send(clientMessageId: string): Promise<Answer> {
  const json = { recipient_id: bob, ciphertext: 'c', client_message_id: clientMessageId }
  return request(base, 'POST', '/messages', { json, token: tokenFor(alice) })
}

function setKey(key: string): Promise<Answer> {
  return request(base, 'PUT', '/update-key', { json: { public_key: key }, token: tokenFor(alice) })
}

function confirm(id: string): Promise<Answer> {
  return request(base, 'PUT', `/messages/${id}/delivered`, { token: tokenFor(bob) })
}

function kept(clientMessageId: string): Promise<{ id: string }[]> {
  return pair.primary.sql('select id from messages where client_message_id = $1', [clientMessageId])
}

/** Cuts short, once or for as long as the work lasts, every wait for the standby. @returns how many, and the answer */
async function cancelling<T>(work: Promise<T>): Promise<{ answer: T; cancelled: number }> {
  const over = new AbortController()
  void work.finally(() => over.abort()).catch(() => undefined)
  let cancelled = 0
  while (!over.signal.aborted) {
    const rows = await pair.primary.sql(
      `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`,
    )
    cancelled += rows.length
    await sleep(20)
  }
  return { answer: await work, cancelled }
}

describe('while the standby is away, a commit whose wait for it is cancelled', () => {
  let pending = ''

  beforeAll(async () => {
    const sent = await send(randomUUID())
    expect(outcomeOf(sent)).toBe('201')
    pending = String(Object(sent.json).id)
    await pair.standby.stop()
  })
  afterAll(() => pair.standby.start())

  test('is no send, and neither is its retry: the message that is kept here alone is answered when the standby has it', async () => {
    const key = randomUUID()
    const first = await cancelling(send(key))
    expect(first.cancelled).toBeGreaterThan(0)
    expect(outcomeOf(first.answer)).toBe(UNAVAILABLE)
    expect(first.answer.headers['retry-after']).toMatch(/^\d+$/)
    const [row] = await kept(key)
    expect(row).toBeDefined()

    const retry = await cancelling(send(key))
    expect(retry.cancelled).toBeGreaterThan(0)
    expect(outcomeOf(retry.answer)).toBe(UNAVAILABLE)

    await pair.standby.start()
    const last = await send(key)
    expect(outcomeOf(last)).toBe('201')
    expect(Object(last.json).id).toBe(row?.id)
    expect(await kept(key)).toEqual([row])
    await pair.standby.stop()
  })

  test.each([
    ['confirmation', async () => outcomeOf(await confirm(pending))],
    ['change of a key', async () => outcomeOf(await setKey('another'))],
    ['registration', register],
  ])('is no %s', async (_name, work) => {
    const { answer, cancelled } = await cancelling(work())
    expect(cancelled).toBeGreaterThan(0)
    expect(answer).toBe(UNAVAILABLE)
  })
})

describe('while the standby is away, a commit that waits for it', () => {
  let before: number[] = []
  const ours = async (): Promise<number[]> =>
    (
      await pair.primary.sql<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'secure-messenger' and wait_event = 'SyncRep'`,
      )
    ).map(({ pid }) => pid)

  test('ends as 503 within the deadline, for everybody who asked, and reading goes on', async () => {
    await pair.standby.stop()
    const startedAt = performance.now()
    const writes = [send(randomUUID()), send(randomUUID()), setKey('a third'), confirm(randomUUID())]
    await expect.poll(async () => (before = await ours()).length).toBeGreaterThan(1)
    const read = await request(base, 'GET', '/messages', { token: tokenFor(bob) })
    expect(read.status).toBe(200)
    // A message that is not there is none to be confirmed: nothing is written.
    const [unwritten] = [await writes.pop()]
    expect(unwritten && outcomeOf(unwritten)).toBe('404 not_found')
    for (const write of await Promise.all(writes)) expect(outcomeOf(write)).toBe(UNAVAILABLE)
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS)
  })

  test('leaves a connection that nobody is given again', async () => {
    const key = randomUUID()
    await pair.standby.start()
    await expect.poll(async () => outcomeOf(await send(key)), { timeout: 20_000 }).toBe('201')
    // They wait no more, find that nobody is there, and end; one that was kept would stay.
    const alive = () => pair.primary.sql('select pid from pg_stat_activity where pid = any($1)', [before])
    await expect.poll(alive, { timeout: 10_000 }).toEqual([])
  })
})
