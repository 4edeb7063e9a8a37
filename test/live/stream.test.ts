import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { confirmation } from '@secure-messenger/api'
import { outcomeOf, problemOf } from '../harness/http.js'
import { expectDefined, tokenFor, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'
import { openLive, type Stream } from '../harness/stream.js'

const relay = useRelay({ LIMITS: 'on', LIMIT_OPEN: '3', LIMIT_REGISTER: 'off', LIMIT_SEND: 'off' })
const opened: Stream[] = []

async function open(token: string, headers: Record<string, string> = {}): Promise<Stream> {
  const stream = await openLive(relay.base, token, headers)
  opened.push(stream)
  return stream
}

afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close()
  await expect.poll(listeners).toBe(0)
})

async function listeners(): Promise<number> {
  const { text } = await relay.get('/metrics')
  return Number(/^live_listeners (\d+)$/m.exec(text)?.[1])
}

describe('a stream', () => {
  it('begins with every unconfirmed message, oldest first, as the list has it, and then says that it is drained', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const ids = []
    for (let at = 0; at < 120; at++) ids.push(await relay.send(from, to, `c${at}`))
    await relay.confirm(to, expectDefined(ids.shift()))
    const stream = await open(to.token)
    await stream.drained()
    expect(stream.ids).toEqual(ids)
    expect(stream.events.at(-1)).toEqual({ event: 'drained', id: undefined, data: {} })
    const { messages } = await relay.inbox(to, '?limit=100')
    expect(stream.events.slice(0, 100).map(({ data }) => data)).toEqual(messages)
  })

  it('tells each new message once, soon, and in the order of its sender', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const stream = await open(to.token)
    await stream.drained()
    const startedAt = performance.now()
    const first = await relay.send(from, to, 'first')
    await stream.until(() => stream.ids.length === 1)
    expect(performance.now() - startedAt).toBeLessThan(2000)
    const others = []
    for (let at = 0; at < 50; at++) others.push(await relay.send(from, to, `c${at}`))
    await stream.until(() => stream.ids.length >= 51)
    await sleep(300)
    expect(stream.ids).toEqual([first, ...others])
  })

  it('may be opened several times: each tells everything', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const streams = [await open(to.token), await open(to.token)]
    const id = await relay.send(from, to, 'both')
    for (const stream of streams) await stream.until(() => stream.ids.includes(id))
  })

  it('tells what committed late under an id that is smaller than one already told', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const stream = await open(to.token)
    const key = randomUUID()
    const last = await relay.send(from, to, 'told', key)
    await stream.until(() => stream.ids.includes(last))
    const [late] = await relay.sql<{ id: string }>(
      `insert into messages (id, recipient_id, sender_id, client_message_id, ciphertext, ciphertext_hash, expires_at, forget_at)
        values (relay_message_id(now() - interval '3 seconds', 0), $1, $2, gen_random_uuid(), 'late', '\\x00',
          now() + interval '7 days', now() + interval '8 days') returning id`,
      [to.id, from.id],
    )
    // A repeat is news, too: the first time may have been answered to nobody. The stream reads again.
    expect(await relay.send(from, to, 'told', key)).toBe(last)
    await stream.until(() => stream.ids.length === 2)
    expect(stream.ids).toEqual([last, expectDefined(late).id])
  })

  it('tells no message again that was sent again, not even after it was confirmed', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const stream = await open(to.token)
    const key = randomUUID()
    const once = await relay.send(from, to, 'once', key)
    await stream.until(() => stream.ids.includes(once))
    expect(await relay.send(from, to, 'once', key)).toBe(once)
    expect((await relay.confirm(to, once)).status).toBe(200)
    expect(await relay.send(from, to, 'once', key)).toBe(once)
    const next = await relay.send(from, to, 'next')
    await stream.until(() => stream.ids.includes(next))
    expect(stream.ids).toEqual([once, next])
  })

  it('tells a burst that outgrows what is handed over, each message once and in its order', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const stream = await open(to.token)
    await stream.drained()
    const sent: string[] = []
    for (let at = 0; at < 40; at++) sent.push(await relay.send(from, to, `${at}${'x'.repeat(9000)}`))
    await stream.until(() => stream.ids.length >= sent.length)
    expect(stream.ids).toEqual(sent)
  })

  it('tells the sender once when a message is confirmed, without an id', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const stream = await open(from.token)
    await stream.drained()
    const id = await relay.send(from, to, 'hello')
    const { delivered_at } = confirmation.parse((await relay.confirm(to, id)).json)
    await stream.until(() => stream.named('delivered').length > 0)
    await relay.confirm(to, id)
    await relay.post('/messages/delivered', { ids: [id] }, { token: to.token })
    await sleep(300)
    expect(stream.named('delivered')).toEqual([
      { event: 'delivered', id: undefined, data: { id, recipient_id: to.id, delivered_at } },
    ])
  })

  it('is not filtered by Last-Event-ID, and comes again whole after a reconnect', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const ids = [await relay.send(from, to, 'one'), await relay.send(from, to, 'two')]
    const first = await open(to.token)
    await first.drained()
    first.close()
    const second = await open(to.token, { 'last-event-id': expectDefined(ids[1]) })
    await second.drained()
    expect(second.ids).toEqual(ids)
  })

  it('ends with token_expired when its token does', async () => {
    const user = await relay.user()
    const now = Math.floor(Date.now() / 1000)
    const stream = await open(tokenFor(user.id, { iat: now - 1797, exp: now + 3 }))
    await stream.until(() => stream.ended)
    expect(stream.events.map(({ event }) => event)).toEqual(['drained', 'token_expired'])
    expect(stream.events.at(-1)?.data).toEqual({})
  })

  it.skipIf(inProcess)('keeps its connection alive with a comment every 15 seconds', async () => {
    const user = await relay.user()
    const stream = await open(user.token)
    await stream.until(() => stream.comments.length > 0, 17_000)
  })

  it('has the headers that keep proxies from gathering or keeping it', async () => {
    const user = await relay.user()
    const { headers, statusCode } = (await open(user.token)).response
    expect(statusCode).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect(headers['x-request-id']).toMatch(/^[\w-]+$/)
  })

  it('gives its head alone to HEAD, and its methods to OPTIONS and in a 405', async () => {
    const user = await relay.user()
    const head = await relay.request('HEAD', '/messages/live', { token: user.token })
    expect([head.status, head.text, head.headers['content-type']]).toEqual([
      200,
      '',
      'text/event-stream; charset=utf-8',
    ])
    const options = await relay.request('OPTIONS', '/messages/live')
    expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS'])
    const refused = await relay.post('/messages/live', {}, { token: user.token })
    expect([outcomeOf(refused), refused.headers['allow']]).toEqual([
      '405 method_not_allowed',
      'GET, HEAD, OPTIONS',
    ])
  })

  it('is refused with its status at both doors', async () => {
    const now = Math.floor(Date.now() / 1000)
    const expired = tokenFor((await relay.user()).id, { iat: now - 2000, exp: now - 200 })
    for (const path of ['/messages/live', '/trpc/messages.live']) {
      expect(outcomeOf(await relay.get(path))).toBe('401 not_authenticated')
      expect(outcomeOf(await relay.get(path, { token: expired }))).toBe('401 token_expired')
    }
  })

  it('takes one of the places that a user has, at either door, until it ends', async () => {
    const [alice, bob] = await relay.users(2)
    const user = expectDefined(alice)
    const streams = [await open(user.token), await open(user.token)]
    const waiting = relay.get('/messages?wait=3', { token: user.token })
    await expect.poll(listeners).toBe(3)
    for (const path of ['/messages/live', '/trpc/messages.live', '/messages?wait=1']) {
      const refused = await relay.get(path, { token: user.token })
      expect(outcomeOf(refused)).toBe('429 rate_limited')
      expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    }
    expect(problemOf(await relay.get('/messages/live', { token: user.token })).retry_after).toBeGreaterThan(0)
    const other = await open(expectDefined(bob).token)
    await other.drained()
    streams[0]?.close()
    await expect.poll(listeners).toBe(3)
    await (await open(user.token)).drained()
    expect((await waiting).status).toBe(200)
  })

  it.skipIf(inProcess)('waits for a slow reader, and then tells it everything', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const ids: string[] = []
    // More than the buffers of both ends hold.
    for (let at = 0; at < 200; at++) ids.push(await relay.send(from, to, 'x'.repeat(65_536)))
    const stream = await open(to.token)
    stream.response.pause()
    await sleep(1000)
    stream.response.resume()
    await stream.drained()
    expect(stream.ids).toEqual(ids)
    expect(relay.running.output()).not.toContain('MaxListeners')
  })

  it('leaves nothing behind, opened and closed a hundred times', async () => {
    const user = await relay.user()
    for (let at = 0; at < 100; at++) {
      const stream = await openLive(relay.base, user.token)
      if (at % 2) await stream.drained()
      stream.close()
      await expect.poll(listeners).toBe(0)
    }
  })
})
