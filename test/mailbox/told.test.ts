import { expect, test } from 'vitest'
import { Told } from '../../server/dist/mailbox/told.js'

const NOW = 1_800_000_000_000
const OVERLAP_MS = 15_000

function idAt(milliseconds: number, rest = '7000-8000-000000000001'): string {
  const hex = milliseconds.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${rest}`
}

const FLOOR_REST = '7000-8000-000000000000'

test('what was told is told once', () => {
  const told = new Told()
  expect([told.add(idAt(NOW)), told.add(idAt(NOW + 1)), told.add(idAt(NOW))]).toEqual([true, true, false])
})

test('a stream that told nothing yet has no floor', () => {
  const told = new Told()
  expect(told.floor).toBeUndefined()
  expect(told.beyondFloor()).toEqual([])
})

test('the floor lies fifteen seconds below the highest id, in whatever order they came', () => {
  const told = new Told()
  told.add(idAt(NOW))
  told.add(idAt(NOW - 60_000))
  expect(told.floor).toBe(idAt(NOW - OVERLAP_MS, FLOOR_REST))
})

test('the floor of the earliest times is the first id of all', () => {
  const told = new Told()
  told.add(idAt(1))
  expect(told.floor).toBe(idAt(0, FLOOR_REST))
})

test('what was told beyond the floor is known, and nothing below', () => {
  const told = new Told()
  const [old, recent, newest] = [idAt(NOW - 20_000), idAt(NOW - 10_000), idAt(NOW)]
  for (const id of [old, recent, newest]) told.add(id)
  expect(told.beyondFloor()).toEqual([recent, newest])
  const later = idAt(NOW + 8000)
  told.add(later)
  expect(told.beyondFloor()).toEqual([newest, later])
})

test('what a reading from the start does not find is forgotten below the floor alone', () => {
  const told = new Told()
  const [gone, found, recent] = [idAt(NOW - 30_000), idAt(NOW - 29_000), idAt(NOW)]
  for (const id of [gone, found, recent]) told.add(id)
  told.keepOnly(new Set([found]))
  expect([told.add(found), told.add(recent), told.add(gone)]).toEqual([false, false, true])
})
