import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { startPair, type Pair, type PostgresNode } from '../harness/postgres-node.js'
import { spawnServer } from '../harness/process.js'
import { openLive, type Stream } from '../harness/stream.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

/** Long enough for a wait that has no end to be ended, and for another attempt; streams look by themselves after 60 s. */
const PATIENCE = { timeout: 30_000, interval: 100 }

let pair: Pair
let [taking, listening] = ['', '']
let alice = ''
let stream: Stream
const undo: (() => Promise<unknown>)[] = []

/** Two instances, and somebody who listens at one of them. */
async function startOnPair(): Promise<void> {
  pair = await startPair()
  const { remove } = pair
  undo.push(remove)
  const settings = { SECRET_KEY, DATABASE_URL: pair.url, LIMITS: 'off', PURGE_SCHEDULE: '* * * * * *' }
  const servers = [1, 2].map(() => spawnServer(settings))
  undo.push(() => {
    for (const server of servers) server.child.kill('SIGTERM')
    return Promise.all(servers.map((server) => server.ended))
  })
  ;[taking = '', listening = ''] = await Promise.all(servers.map((server) => server.listening))
  const person = { username: 'alice', password: 'a good password', public_key: 'k' }
  const made = await request(taking, 'POST', '/register', { json: person })
  alice = String(Object(made.json).id)
  await pair.primary.sql(`alter system set synchronous_standby_names = '*'`)
  await pair.primary.sql('select pg_reload_conf()')
  stream = await openLive(listening, tokenFor(alice))
  await stream.drained()
}

async function undoAll(): Promise<void> {
  for (const step of undo.splice(0).toReversed()) await step()
}

function send(clientMessageId: string): Promise<Answer> {
  const json = { recipient_id: alice, ciphertext: 'c', client_message_id: clientMessageId }
  return request(taking, 'POST', '/messages', { json, token: tokenFor(alice) })
}

async function sendUntilTaken(): Promise<string> {
  const key = randomUUID()
  let answer: Answer | undefined
  await expect
    .poll(async () => {
      answer = await send(key)
      expect(['201', '503 unavailable']).toContain(outcomeOf(answer))
      return answer.status
    }, PATIENCE)
    .toBe(201)
  return String(Object(answer?.json).id)
}

function connectionsTo(node: PostgresNode): Promise<unknown[]> {
  return node.sql(
    `select pid, application_name, state, wait_event from pg_stat_activity
      where application_name like 'secure-messenger%' and application_name not like '%search'`,
  )
}

async function promote(node: PostgresNode): Promise<void> {
  await node.sql('select pg_promote()')
}

describe('a primary that dies', () => {
  beforeAll(startOnPair)
  afterAll(undoAll)

  test('is followed by the one that was promoted: writes, reads and news go there by themselves, and nothing acknowledged is missing', async () => {
    const before = await sendUntilTaken()
    await pair.primary.stop('SIGQUIT')
    expect(outcomeOf(await send(randomUUID()))).toBe('503 unavailable')
    await promote(pair.standby)
    const after = await sendUntilTaken()
    await expect.poll(() => stream.ids, PATIENCE).toEqual([before, after])
    const listed = await request(listening, 'GET', '/messages', { token: tokenFor(alice) })
    expect(Object(listed.json).messages.map(({ id }: { id: string }) => id)).toEqual([before, after])
  })
})

describe('a primary that nobody told of its successor', () => {
  beforeAll(startOnPair)
  afterAll(undoAll)

  test('is left, with every connection to it, as soon as its commits wait in vain', async () => {
    const before = await sendUntilTaken()
    await promote(pair.standby)
    const after = await sendUntilTaken()
    const onNew = await pair.standby.sql<{ id: string }>('select id from messages order by id')
    expect(onNew.map(({ id }) => id)).toEqual([before, after])
    await expect.poll(() => stream.ids, PATIENCE).toEqual([before, after])
    // What still waits there is nobody's: its client has gone.
    const left = async () =>
      (await connectionsTo(pair.primary)).filter((row) => Object(row).wait_event !== 'SyncRep')
    await expect.poll(left, PATIENCE).toEqual([])
    expect(await connectionsTo(pair.standby)).not.toEqual([])
  })
})
