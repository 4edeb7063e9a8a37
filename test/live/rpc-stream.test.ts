import type { TRPCClientError } from '@trpc/client'
import type { AppRouter } from '@secure-messenger/api'
import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../harness/http.js'
import { expectDefined, tokenFor, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'
import { Stream } from '../harness/stream.js'
import { createLiveRpc } from './doors.js'

const relay = useRelay()

/** A subscription, and all that it gave. */
function subscribe(token: string) {
  const heard: unknown[] = []
  const ends: string[] = []
  const errors: TRPCClientError<AppRouter>[] = []
  const subscription = createLiveRpc(relay.base, token).messages.live.subscribe(undefined, {
    onData: (data) => heard.push(data),
    onComplete: () => ends.push('complete'),
    onError: (error) => errors.push(error),
  })
  return { heard, ends, errors, subscription }
}

async function pair() {
  const [alice, bob] = await relay.users(2)
  return { from: expectDefined(alice), to: expectDefined(bob) }
}

describe('the subscription messages.live', () => {
  it('yields messages with their ids, and notices without', async () => {
    const { from, to } = await pair()
    const before = await relay.send(from, to, 'before')
    const { heard, subscription } = subscribe(to.token)
    const sender = subscribe(from.token)
    await expect.poll(() => heard.length, { timeout: 5000 }).toBe(2)
    await expect.poll(() => sender.heard.length, { timeout: 5000 }).toBe(1)
    const after = await relay.send(from, to, 'after')
    await expect.poll(() => heard.length, { timeout: 5000 }).toBe(3)
    const { messages } = await relay.inbox(to)
    expect(heard).toEqual([
      { id: before, data: messages[0] },
      { event: 'drained' },
      { id: after, data: messages[1] },
    ])
    await relay.confirm(to, after)
    await expect.poll(() => sender.heard.length, { timeout: 5000 }).toBe(2)
    expect(sender.heard[1]).toMatchObject({ event: 'delivered', id: after, recipient_id: to.id })
    subscription.unsubscribe()
    sender.subscription.unsubscribe()
  })

  it('completes after token_expired', async () => {
    const user = await relay.user()
    const now = Math.floor(Date.now() / 1000)
    const { heard, ends } = subscribe(tokenFor(user.id, { iat: now - 1798, exp: now + 2 }))
    await expect.poll(() => ends, { timeout: 10_000 }).toEqual(['complete'])
    expect(heard).toEqual([{ event: 'drained' }, { event: 'token_expired' }])
  })

  it('is not filtered by lastEventId, in the input or as a header', async () => {
    const { from, to } = await pair()
    const id = await relay.send(from, to, 'again')
    const input = encodeURIComponent(JSON.stringify({ lastEventId: id }))
    const stream = await Stream.open(`${relay.base}/trpc/messages.live?input=${input}`, {
      authorization: `Bearer ${to.token}`,
      'last-event-id': id,
    })
    await stream.until(() => stream.events.length >= 3)
    stream.close()
    expect(stream.events.slice(0, 2)).toMatchObject([
      { event: 'connected' },
      { event: 'message', id, data: { id, ciphertext: 'again' } },
    ])
  })

  it.skipIf(inProcess)(
    'comes again by itself after the server was restarted, with what is unconfirmed',
    async () => {
      const { from, to } = await pair()
      const id = await relay.send(from, to, 'kept')
      const { heard, errors, subscription } = subscribe(to.token)
      await expect.poll(() => heard.length, { timeout: 5000 }).toBe(2)
      const port = new URL(relay.base).port
      await relay.stopServer()
      await relay.startServer({ PORT: port })
      await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
      subscription.unsubscribe()
      expect(errors).toEqual([])
      expect(heard.slice(2, 4)).toMatchObject([{ id }, { event: 'drained' }])
    },
  )

  it('is refused in a batch', async () => {
    const user = await relay.user()
    const answer = await relay.get('/trpc/auth.me,messages.live?batch=1', { token: user.token })
    expect(outcomeOf(answer)).toBe('400 malformed_request')
  })
})
