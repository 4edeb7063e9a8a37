import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import { Tokens } from '../../server/dist/accounts/tokens.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const USER = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001'
const START_S = 1_800_000_000
const LIFE_S = 1800
const LEEWAY_S = 5
const MONTH_S = 30 * 86_400

/** Tokens at a time that a test sets. */
class Times {
  nowMs = START_S * 1000
  readonly tokens: Tokens

  constructor(...secretKeys: [string, ...string[]]) {
    this.tokens = new Tokens({ secretKeys, clock: () => this.nowMs })
  }

  /** The caller's id, or the code of the refusal. */
  callerAt(token: string | undefined, seconds: number): string {
    this.nowMs = seconds * 1000
    try {
      return this.tokens.authenticate(token).userId
    } catch (error) {
      return String(Object(error).code)
    }
  }

  ownerAt(token: string | undefined, seconds: number): string | undefined {
    this.nowMs = seconds * 1000
    return this.tokens.ownerOf(token)
  }
}

test('a token that is issued lasts 30 minutes, and says whose it is', () => {
  const times = new Times(SECRET_KEY)
  const issued = times.tokens.issue(USER)
  expect(issued).toMatchObject({ token_type: 'bearer', expires_in: LIFE_S })
  expect(
    jwt.verify(issued.access_token, SECRET_KEY, { ignoreExpiration: true, complete: true }),
  ).toMatchObject({
    header: { alg: 'HS256' },
    payload: {
      iss: 'secure-messenger',
      aud: 'secure-messenger',
      sub: USER,
      iat: START_S,
      exp: START_S + LIFE_S,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  })
  expect(times.callerAt(issued.access_token, START_S)).toBe(USER)
})

test('a token ends five seconds after its end, for instances whose clocks differ, known before or not', () => {
  const end = START_S + LIFE_S
  for (const seenBefore of [true, false]) {
    const times = new Times(SECRET_KEY)
    const token = tokenFor(USER, { iat: START_S })
    if (seenBefore) expect(times.callerAt(token, START_S)).toBe(USER)
    expect(times.callerAt(token, end + LEEWAY_S - 1)).toBe(USER)
    expect(times.callerAt(token, end + LEEWAY_S)).toBe('token_expired')
  }
})

test('a caller is told the end of the token, and within the five seconds theirs', () => {
  const times = new Times(SECRET_KEY)
  const token = tokenFor(USER, { iat: START_S })
  const end = START_S + LIFE_S
  const endAt = (seconds: number): number => {
    times.nowMs = seconds * 1000
    return times.tokens.authenticate(token).expiresAt
  }
  expect([endAt(START_S), endAt(end - 1)]).toEqual([end * 1000, end * 1000])
  expect([endAt(end), endAt(end + 4)]).toEqual([(end + LEEWAY_S) * 1000, (end + LEEWAY_S) * 1000])
})

test('a token of the future counts for nothing, but for five seconds of it', () => {
  const times = new Times(SECRET_KEY)
  const token = tokenFor(USER, { iat: START_S + LEEWAY_S })
  expect(times.callerAt(token, START_S)).toBe(USER)
  expect(times.ownerAt(token, START_S)).toBe(USER)
  expect(times.callerAt(token, START_S - 1)).toBe('not_authenticated')
  expect(times.ownerAt(token, START_S - 1)).toBeUndefined()
})

test('a token shows whose account it was for 30 days after its end', () => {
  const times = new Times(SECRET_KEY)
  const token = tokenFor(USER, { iat: START_S })
  const last = START_S + LIFE_S + MONTH_S
  expect(times.ownerAt(token, START_S)).toBe(USER)
  expect(times.ownerAt(token, last)).toBe(USER)
  expect(times.ownerAt(token, last + 1)).toBeUndefined()
})

test('no token, and no genuine one, shows nobody', () => {
  const times = new Times(SECRET_KEY)
  for (const token of [undefined, '', 'noise', tokenFor(USER, {}, 'another secret, as long as it must be')]) {
    expect(times.ownerAt(token, START_S)).toBeUndefined()
    expect(times.callerAt(token, START_S)).toBe('not_authenticated')
  }
})

test('a token of the key before counts, and the present key signs', () => {
  const before = 'the key before this one, 32 bytes long'
  const times = new Times(SECRET_KEY, before)
  expect(times.callerAt(tokenFor(USER, { iat: START_S }, before), START_S)).toBe(USER)
  expect(times.callerAt(tokenFor(USER, { iat: START_S }), START_S)).toBe(USER)
  const { access_token } = times.tokens.issue(USER)
  expect(() => jwt.verify(access_token, SECRET_KEY, { ignoreExpiration: true })).not.toThrow()
})

test.each([
  ['another issuer', { iss: 'somebody' }],
  ['another audience', { aud: 'somebody' }],
  ['no id of its own', { jti: '' }],
  ['another life', { exp: START_S + LIFE_S + 1 }],
  ['no user', { sub: 'nobody' }],
  ['a broken time', { iat: START_S + 0.5, exp: START_S + LIFE_S + 0.5 }],
])('a token with %s counts for nothing', (_what, over) => {
  const token = tokenFor(USER, { iat: START_S, ...over })
  const times = new Times(SECRET_KEY)
  expect(times.callerAt(token, START_S + 1)).toBe('not_authenticated')
  expect(times.ownerAt(token, START_S + 1)).toBeUndefined()
})

test("an id's case does not matter", () => {
  const token = tokenFor(USER.toUpperCase(), { iat: START_S })
  const times = new Times(SECRET_KEY)
  expect(times.callerAt(token, START_S)).toBe(USER)
  expect(times.ownerAt(token, START_S)).toBe(USER)
})

test('of many tokens each keeps its owner', () => {
  const times = new Times(SECRET_KEY)
  const userOf = (at: number): string => `0190aaaa-bbbb-7ccc-8ddd-${at.toString(16).padStart(12, '0')}`
  const tokens = Array.from({ length: 100 }, (_, at) => tokenFor(userOf(at), { iat: START_S }))
  for (const [at, token] of [...tokens.entries(), ...tokens.entries()])
    expect(times.callerAt(token, START_S)).toBe(userOf(at))
})
