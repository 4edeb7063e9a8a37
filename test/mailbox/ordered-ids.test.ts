import { expect, test } from 'vitest'
import { createOrderedIds } from '../../server/dist/mailbox/ordered-id.js'

const NOW = 1_800_000_000_000
const IN_A_MILLISECOND = 4096

/** RFC 9562, 5.7: the first 48 bits are milliseconds since 1970. */
function millisecondsOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

function ascend(ids: readonly string[]): boolean {
  return ids.every((id, at) => at === 0 || id > String(ids[at - 1]))
}

test('an id is a UUID of version 7 with the time of its making', () => {
  const makeId = createOrderedIds(() => NOW)
  for (let count = 0; count < 10; count++) {
    const id = makeId()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(millisecondsOf(id)).toBe(NOW)
  }
})

test('an early time is written with all its digits', () => {
  expect(createOrderedIds(() => 1)()).toMatch(/^00000000-0001-7000-/)
})

test('ids of one millisecond ascend, and those beyond 4,096 have the next', () => {
  const makeId = createOrderedIds(() => NOW)
  const ids = Array.from({ length: IN_A_MILLISECOND + 1 }, makeId)
  expect(ascend(ids)).toBe(true)
  expect(ids.slice(0, IN_A_MILLISECOND).every((id) => millisecondsOf(id) === NOW)).toBe(true)
  expect(ids.at(-1)).toMatch(/-7000-/)
  expect(millisecondsOf(String(ids.at(-1)))).toBe(NOW + 1)
})

test('ids ascend while the clock steps back, at the last time that it told', () => {
  const times = [NOW, NOW - 5000, NOW - 4999, NOW + 1]
  const makeId = createOrderedIds(() => times.shift() ?? 0)
  const ids = [makeId(), makeId(), makeId(), makeId()]
  expect(ascend(ids)).toBe(true)
  expect(ids.map(millisecondsOf)).toEqual([NOW, NOW, NOW, NOW + 1])
})

test('a new millisecond begins a new sequence', () => {
  const times = [NOW, NOW, NOW + 1]
  const makeId = createOrderedIds(() => times.shift() ?? 0)
  expect([makeId(), makeId(), makeId()].map((id) => id.slice(14, 18))).toEqual(['7000', '7001', '7000'])
})

test('two ids of the same time differ beyond it: nobody guesses the next', () => {
  const [first, second] = [createOrderedIds(() => NOW)(), createOrderedIds(() => NOW)()]
  expect(first.slice(0, 18)).toBe(second.slice(0, 18))
  expect(first.slice(19)).not.toBe(second.slice(19))
})
