import { ApiError } from '@secure-messenger/api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { floorOf, message, MINUTE_MS, page, START, Streamed } from './streamed.js'

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

test('a stream begins with everything that waits, page after page, and then says so', async () => {
  const streamed = new Streamed([{ ...page(1, 2), more: true }, page(3)])
  await pass(0)
  expect(streamed.told).toEqual([message(1).id, message(2).id, message(3).id, 'drained'])
  expect(streamed.readings.map(({ after, except }) => [after, except])).toEqual([
    [undefined, []],
    [message(2).id, []],
  ])
  expect(streamed.events[0]).toEqual({ event: 'message', message: message(1) })
})

test('a message that is handed over is told without a reading, once, and without what else its row has', async () => {
  const streamed = new Streamed()
  await pass(0)
  const row = { ...message(5), followed: true }
  streamed.listener.hand(row)
  await pass(0)
  streamed.listener.hand(row)
  await pass(0)
  expect(streamed.told).toEqual(['drained', message(5).id])
  expect(streamed.events[1]).toEqual({ event: 'message', message: message(5) })
  expect(streamed.readings).toHaveLength(1)
})

test('a stream that is woken reads beyond what it told, but for that, and tells what is new', async () => {
  const streamed = new Streamed([page(1, 2)])
  await pass(1000)
  streamed.pages = [page(2, 7)]
  streamed.listener.wake()
  await pass(0)
  expect(streamed.readings[1]).toMatchObject({
    after: floorOf(2),
    except: [message(1).id, message(2).id],
  })
  expect(streamed.told).toEqual([message(1).id, message(2).id, 'drained', message(7).id])
})

test('a stream that missed something reads from the start', async () => {
  const streamed = new Streamed([page(1)])
  await pass(1000)
  streamed.listener.wakeLate()
  await pass(0)
  expect(streamed.readings[1]).toMatchObject({ after: undefined, except: [] })
  expect(streamed.told).toEqual([message(1).id, 'drained'])
})

test('what nobody told of is found within a minute', async () => {
  const streamed = new Streamed()
  await pass(MINUTE_MS - 1)
  expect(streamed.readings).toHaveLength(1)
  streamed.pages = [page(9)]
  await pass(1)
  expect(streamed.readings[1]).toMatchObject({ after: undefined, at: MINUTE_MS })
  expect(streamed.told).toEqual(['drained', message(9).id])
})

test('a long mailbox is read from its start for a twentieth of the time at most', async () => {
  const streamed = new Streamed([], 10_000)
  await pass(10_000)
  await pass(199_999)
  expect(streamed.readings).toHaveLength(1)
  await pass(1)
  expect(streamed.readings).toHaveLength(2)
})

test('a confirmation is told as it comes', async () => {
  const streamed = new Streamed()
  await pass(0)
  const delivered = { event: 'delivered' as const, id: 'm', recipient_id: 'bob', delivered_at: 'now' }
  streamed.listener.tell(delivered)
  await pass(0)
  expect(streamed.events).toEqual([{ event: 'drained' }, delivered])
})

test('a stream that is woken without an end reads ten times a second', async () => {
  const streamed = new Streamed()
  await pass(0)
  for (let at = 0; at < 100; at++) {
    streamed.listener.wake()
    await pass(10)
  }
  expect(streamed.readings.map(({ at }) => at).slice(0, 3)).toEqual([0, 100, 200])
  expect(streamed.readings.length).toBeLessThanOrEqual(11)
})

test.each([
  [50, 200],
  [1000, 500],
])('after a reading of %i ms a stream rests for %i ms', async (readMs, restMs) => {
  const streamed = new Streamed([], readMs)
  streamed.listener.wake()
  await pass(readMs)
  await pass(restMs - 1)
  expect(streamed.readings).toHaveLength(1)
  await pass(1)
  expect(streamed.readings).toHaveLength(2)
})

test('a stream ends with its token, to the millisecond, and says so', async () => {
  const streamed = new Streamed([], 0, 5000)
  await pass(4999)
  expect(streamed.told).toEqual(['drained'])
  await pass(1)
  expect(streamed.told).toEqual(['drained', 'token_expired'])
  expect(streamed.ending).toBe('done')
})

test('a token that ends while a long mailbox is told ends it before it is drained', async () => {
  const endless = [1, 2, 3].map((at) => ({ ...page(at), more: true }))
  const streamed = new Streamed(endless, 3000, 5000)
  await pass(10_000)
  expect(streamed.told).toEqual([message(1).id, message(2).id, 'token_expired'])
})

test('a stream ends with `unavailable` when its server stops', async () => {
  const streamed = new Streamed()
  await pass(0)
  streamed.listener.end()
  await pass(0)
  expect(streamed.ending).toMatchObject({ code: 'unavailable' })
})

test('a server that stops reads no further page', async () => {
  const streamed = new Streamed([1, 2].map((at) => ({ ...page(at), more: true })))
  streamed.listener.end()
  await pass(0)
  expect(streamed.told).toEqual([message(1).id])
  expect(streamed.ending).toMatchObject({ code: 'unavailable' })
})

test('a database that is away ends no stream: it reads from the start a second later', async () => {
  const streamed = new Streamed()
  await pass(1000)
  streamed.pages = [new ApiError('unavailable')]
  streamed.listener.wake()
  await pass(999)
  expect(streamed.readings).toHaveLength(2)
  streamed.pages = [page(4)]
  await pass(1)
  expect(streamed.readings[2]).toMatchObject({ after: undefined })
  expect(streamed.told).toEqual(['drained', message(4).id])
  expect(streamed.ending).toBeUndefined()
})

test.each([new Error('broken'), new ApiError('not_found')])('what else fails ends it: %s', async (error) => {
  const streamed = new Streamed()
  await pass(1000)
  streamed.pages = [error]
  streamed.listener.wake()
  await pass(0)
  expect(streamed.ending).toBe(error)
})
