import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestServer } from '../harness/process.js'
import { expectDefined, SECRET_KEY, tokenFor, useRelay, type TestUser } from '../harness/relay.js'
import { inProcess, startServer } from '../harness/server.js'
import { openLive, type Stream } from '../harness/stream.js'

const MANY = 500

const relay = useRelay()
let other: TestServer
let otherBase = ''

beforeAll(async () => {
  other = startServer({ SECRET_KEY, DATABASE_URL: relay.databaseUrl, LIMITS: 'off' })
  otherBase = await other.listening
})
afterAll(async () => {
  await other.stop()
})

async function pair() {
  const [alice, bob] = await relay.users(2)
  return { from: expectDefined(alice), to: expectDefined(bob) }
}

async function listenOnOther(user: TestUser): Promise<Stream> {
  const stream = await openLive(otherBase, user.token)
  await stream.drained()
  return stream
}

describe('several instances on one database', () => {
  it.skipIf(inProcess)(
    'bring a message that one took to a listener on another, within a second at p95',
    async () => {
      const { from, to } = await pair()
      const stream = await listenOnOther(to)
      const took: number[] = []
      for (let at = 0; at < 40; at++) {
        const id = await relay.send(from, to, `c${at}`)
        const sentAt = performance.now()
        await stream.until(() => stream.ids.includes(id))
        took.push(performance.now() - sentAt)
      }
      stream.close()
      expect(took.toSorted((a, b) => a - b)[37]).toBeLessThan(1000)
    },
  )

  it('answer a wait on one when a message comes through another', async () => {
    const { from, to } = await pair()
    const waiting = fetch(`${otherBase}/messages?wait=20`, {
      headers: { authorization: `Bearer ${to.token}` },
    })
    await sleep(500)
    const startedAt = performance.now()
    const id = await relay.send(from, to, 'across')
    expect(await (await waiting).json()).toMatchObject({ messages: [{ id }] })
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })

  it('tell a sender on one that its message was confirmed through another', async () => {
    const { from, to } = await pair()
    const stream = await listenOnOther(from)
    const id = await relay.send(from, to, 'hello')
    await relay.confirm(to, id)
    await stream.until(() => stream.named('delivered').length > 0)
    stream.close()
    expect(stream.named('delivered')).toMatchObject([{ data: { id, recipient_id: to.id } }])
  })

  it('wake five hundred recipients of messages that are sent together', async () => {
    const sender = await relay.user()
    const ids = await relay.database.insertPeople(MANY)
    const streams = await Promise.all(ids.map((id) => openLive(otherBase, tokenFor(id))))
    await Promise.all(streams.map((stream) => stream.drained()))
    const sends = ids.map((id) =>
      relay.post('/messages', { recipient_id: id, ciphertext: 'to all' }, { token: sender.token }),
    )
    for (const { status } of await Promise.all(sends)) expect(status).toBe(201)
    await Promise.all(streams.map((stream) => stream.until(() => stream.ids.length === 1)))
    for (const stream of streams) stream.close()
  })

  it('find what they missed after the connection for news was cut', async () => {
    const { from, to } = await pair()
    const stream = await listenOnOther(to)
    await relay.database.cut('secure-messenger news')
    const ids = [await relay.send(from, to, 'while it was cut')]
    await stream.until(() => stream.ids.length === 1)
    ids.push(await relay.send(from, to, 'and after'))
    await stream.until(() => stream.ids.length === 2)
    stream.close()
    expect(stream.ids).toEqual(ids)
  })

  it('keep their streams while every connection to the database is cut', async () => {
    const { from, to } = await pair()
    const stream = await listenOnOther(to)
    await relay.database.cut('secure-messenger%')
    await expect.poll(async () => (await relay.get('/ready')).status, { timeout: 10_000 }).toBe(200)
    const id = await relay.send(from, to, 'after it')
    await stream.until(() => stream.ids.includes(id))
    expect(stream.ended).toBe(false)
    stream.close()
  })

  it('end streams and answer waits when they stop, and stop at once', async () => {
    const user = await relay.user()
    const third = startServer({ SECRET_KEY, DATABASE_URL: relay.databaseUrl, LIMITS: 'off' })
    const base = await third.listening
    const stream = await openLive(base, user.token)
    await stream.drained()
    const waiting = fetch(`${base}/messages?wait=30`, { headers: { authorization: `Bearer ${user.token}` } })
    await sleep(300)
    const startedAt = performance.now()
    expect(await third.stop()).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(5000)
    await stream.until(() => stream.ended)
    expect(stream.events.map(({ event }) => event)).toEqual(['drained'])
    const answer = await waiting
    expect([answer.status, await answer.json()]).toEqual([200, { messages: [], more: false }])
  })
})
