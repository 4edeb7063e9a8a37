import jwt from 'jsonwebtoken'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { Tokens } from '../../server/dist/accounts/tokens.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const USER = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001'
const REMEMBERED = 10_000

/** Each check of a signature. */
const checked = vi.spyOn(jwt, 'verify')
let tokens: Tokens

beforeEach(() => {
  tokens = new Tokens({ secretKeys: [SECRET_KEY], clock: Date.now })
})
afterAll(() => checked.mockRestore())

/** How often signatures are checked while these are shown, one after the other. */
function checksOf(...shown: readonly string[]): number {
  const before = checked.mock.calls.length
  for (const token of shown) tokens.ownerOf(token)
  return checked.mock.calls.length - before
}

test("a genuine token's signature is checked once, and so is another's beside it", () => {
  const [first, second] = [tokenFor(USER), tokenFor(USER)]
  expect(checksOf(first, second)).toBe(2)
  expect(checksOf(first, second, first)).toBe(0)
})

test('a forged token is checked each time', () => {
  const forged = tokenFor(USER, {}, 'some other secret of sufficient length')
  expect(checksOf(forged, forged)).toBe(2)
})

test('ten thousand are remembered; for one more the oldest is forgotten', () => {
  const all = Array.from({ length: REMEMBERED }, () => tokens.issue(USER).access_token)
  expect(checksOf(...all)).toBe(REMEMBERED)
  expect(checksOf(...all)).toBe(0)
  expect(checksOf(tokenFor(USER))).toBe(1)
  expect(checksOf(...all.slice(1))).toBe(0)
  expect(checksOf(all[0] ?? '')).toBe(1)
})
