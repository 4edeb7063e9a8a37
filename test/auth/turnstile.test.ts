import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Turnstile } from '../../server/dist/accounts/turnstile.js'

const INTERVAL_MS = 10

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Names of those who passed, in the order in which they did. */
function enter(turnstile: Turnstile, names: readonly string[], passed: string[] = []): string[] {
  for (const name of names) void turnstile.pass().then(() => passed.push(name))
  return passed
}

const after = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

test('as many as its width pass at once; the others follow in their order, no more together, 10 ms apart', async () => {
  const passed = enter(new Turnstile(2), ['a', 'b', 'c', 'd', 'e'])
  await after(INTERVAL_MS - 1)
  expect(passed).toEqual(['a', 'b'])
  await after(1)
  expect(passed).toEqual(['a', 'b', 'c', 'd'])
  await after(INTERVAL_MS)
  expect(passed).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('one that comes while others pass waits only where they are as many as its width', async () => {
  const turnstile = new Turnstile(2)
  const passed = enter(turnstile, ['a', 'b', 'c'])
  await after(INTERVAL_MS)
  enter(turnstile, ['d', 'e'], passed)
  await after(INTERVAL_MS - 1)
  expect(passed).toEqual(['a', 'b', 'c', 'd'])
  await after(1)
  expect(passed).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('when nobody has come for a while, as many as its width pass at once again, and no timer is left', async () => {
  const turnstile = new Turnstile(1)
  enter(turnstile, ['a', 'b'])
  await after(3 * INTERVAL_MS)
  expect(vi.getTimerCount()).toBe(0)
  const passed = enter(turnstile, ['c', 'd'])
  await after(0)
  expect(passed).toEqual(['c'])
})

test('in a long line a fiftieth passes together, so that nobody waits for seconds', async () => {
  const names = Array.from({ length: 3 + 5000 }, (_, at) => `${at}`)
  const passed = enter(new Turnstile(3), names)
  await after(INTERVAL_MS)
  expect(passed).toHaveLength(3 + 100)
  await after(3000)
  expect(passed).toEqual(names)
})
