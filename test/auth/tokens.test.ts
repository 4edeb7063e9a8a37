import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import jwt from 'jsonwebtoken'
import { beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf } from '../harness/http.js'
import { SECRET_KEY, tokenFor, useRelay, type TestUser } from '../harness/relay.js'

const PREVIOUS_KEY = 'the-previous-secret-of-the-suites-0123456789'
const relay = useRelay({ SECRET_KEY_PREVIOUS: PREVIOUS_KEY })
const seconds = (): number => Math.floor(Date.now() / 1000)
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

async function outcomeWith(token: string): Promise<string> {
  return outcomeOf(await relay.get('/messages', { token }))
}

function raw(header: object, payload: object | string, key = SECRET_KEY, hash = 'sha256'): string {
  const part = (value: object | string): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`
}

function claims(over: object = {}): object {
  const iat = seconds()
  return {
    iss: 'secure-messenger',
    aud: 'secure-messenger',
    sub: user.id,
    jti: randomUUID(),
    iat,
    exp: iat + 1800,
    ...over,
  }
}

test('a token says whose it is for 1800 seconds, and nothing of the password', async () => {
  const token = await relay.login(user.username, user.password)
  const decoded = jwt.decode(token, { complete: true })
  expect(decoded?.header.alg).toBe('HS256')
  const payload = Object(decoded?.payload)
  expect(Object.keys(payload).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'sub'])
  expect(payload.sub).toBe(user.id)
  expect(payload.exp - payload.iat).toBe(1800)
  expect(Math.abs(payload.iat - seconds())).toBeLessThan(60)
  expect(await outcomeWith(token)).toBe('200')
  expect(await outcomeWith(tokenFor(user.id))).toBe('200')
})

describe('a token is not accepted', () => {
  const forgeries: [string, () => string][] = [
    ['unsigned (alg none)', () => `${raw({ alg: 'none' }, claims()).split('.').slice(0, 2).join('.')}.`],
    ['signed with HS512', () => raw({ alg: 'HS512' }, claims(), SECRET_KEY, 'sha512')],
    ['signed with HS384', () => raw({ alg: 'HS384' }, claims(), SECRET_KEY, 'sha384')],
    ['that claims RS256', () => raw({ alg: 'RS256' }, claims())],
    ['signed with another key', () => tokenFor(user.id, {}, 'some other secret of sufficient length')],
    ['of another issuer', () => tokenFor(user.id, { iss: 'elsewhere' })],
    ['for another audience', () => tokenFor(user.id, { aud: 'elsewhere' })],
    ['without an end', () => raw({ alg: 'HS256' }, { ...claims(), exp: undefined })],
    ['that lives longer than half an hour', () => raw({ alg: 'HS256' }, claims({ exp: seconds() + 1801 }))],
    ['without a beginning', () => raw({ alg: 'HS256' }, { ...claims(), iat: undefined })],
    ['without an id', () => raw({ alg: 'HS256' }, { ...claims(), jti: undefined })],
    ['without a subject', () => raw({ alg: 'HS256' }, { ...claims(), sub: undefined })],
    ['whose subject is no id', () => raw({ alg: 'HS256' }, claims({ sub: 'alice' }))],
    ['whose times are text', () => raw({ alg: 'HS256' }, claims({ iat: String(seconds()) }))],
    ['from the future', () => tokenFor(user.id, { iat: seconds() + 60 })],
    ['whose payload is text', () => raw({ alg: 'HS256' }, '"text"')],
    ['with a changed payload', () => changed()],
    ['that is empty', () => ''],
    ['that is noise', () => 'noise'],
    ['of 7,000 characters', () => 'x'.repeat(7000)],
  ]
  const changed = (): string => {
    const [header, , signature] = tokenFor(user.id).split('.')
    return `${header}.${Buffer.from(JSON.stringify(claims({ sub: randomUUID() }))).toString('base64url')}.${signature}`
  }
  test.each(forgeries)('%s', async (_name, forge) => {
    expect(await outcomeWith(forge())).toBe('401 not_authenticated')
  })

  test.each(['Basic', 'Token', ''])('with the scheme "%s"', async (scheme) => {
    const headers = { authorization: `${scheme} ${user.token}` }
    expect(outcomeOf(await relay.get('/messages', { headers }))).toBe('401 not_authenticated')
  })
})

test('the scheme is read without regard to case', async () => {
  for (const scheme of ['bearer', 'BEARER'])
    expect(outcomeOf(await relay.get('/me', { headers: { authorization: `${scheme} ${user.token}` } }))).toBe(
      '200',
    )
})

test('a token ends at its time, give or take the 5 seconds that clocks may differ', async () => {
  expect(await outcomeWith(tokenFor(user.id, { iat: seconds() - 1803 }))).toBe('200')
  expect(await outcomeWith(tokenFor(user.id, { iat: seconds() - 1810 }))).toBe('401 token_expired')
  expect(await outcomeWith(tokenFor(user.id, { iat: seconds() + 3 }))).toBe('200')
})

test('a token that was accepted a moment ago ends at its time all the same', async () => {
  const token = tokenFor(user.id, { iat: seconds() - 1803 })
  expect(await outcomeWith(token)).toBe('200')
  await sleep(2500)
  expect(await outcomeWith(token)).toBe('401 token_expired')
})

test('a token of the previous key is accepted, with or without a kid', async () => {
  expect(await outcomeWith(tokenFor(user.id, {}, PREVIOUS_KEY))).toBe('200')
  expect(await outcomeWith(raw({ alg: 'HS256', kid: 'whatever' }, claims()))).toBe('200')
})
