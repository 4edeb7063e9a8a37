import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { namedFields, outcomeOf, problemOf } from '../harness/http.js'
import { tokenFor, useRelay } from '../harness/relay.js'

const relay = useRelay()
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

function person(over: Record<string, unknown> = {}) {
  return {
    username: `u${randomBytes(8).toString('hex')}`,
    password: 'correct horse',
    public_key: 'key',
    ...over,
  }
}

describe('POST /register', () => {
  test('answers 201 with the account, its first key version and the fingerprint of the key', async () => {
    const asked = person({ public_key: '-----BEGIN PUBLIC KEY-----\r\nAAA\n\t-----END' })
    const answer = await relay.post('/register', asked)
    expect(answer.status).toBe(201)
    expect(answer.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      username: asked.username,
      public_key: asked.public_key,
      key_version: 1,
      fingerprint: createHash('sha256').update(asked.public_key).digest('hex'),
      created_at: expect.stringMatching(TIME),
    })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['etag']).toBeUndefined()
    expect(answer.headers['x-request-id']).toBeTruthy()
  })

  test('refuses a taken name in any case with 409', async () => {
    const asked = person({ username: `Case${randomBytes(4).toString('hex')}` })
    expect(outcomeOf(await relay.post('/register', asked))).toBe('201')
    for (const username of [asked.username, asked.username.toLowerCase(), asked.username.toUpperCase()])
      expect(outcomeOf(await relay.post('/register', person({ username })))).toBe('409 username_taken')
  })

  test('lets exactly one of many registrations of one name at once through', async () => {
    const username = `race${randomBytes(4).toString('hex')}`
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => relay.post('/register', person({ username }))),
    )
    expect(answers.map(outcomeOf).toSorted()).toEqual(['201', ...Array<string>(7).fill('409 username_taken')])
  })

  test.each([
    ['a long name', { username: 'a'.repeat(33) }, 'username'],
    ['a name with a space', { username: 'a b c' }, 'username'],
    ['a name that ends in a line break', { username: 'abc\n' }, 'username'],
    ['a Kelvin sign for a k', { username: '\u212aelvin' }, 'username'],
    ['a name that is a number', { username: 12345 }, 'username'],
    ['no name', { username: undefined }, 'username'],
    ['a name that is null', { username: null }, 'username'],
    ['a password of 7 emoji, 14 UTF-16 units', { password: '😀'.repeat(7) }, 'password'],
    ['a password of 37 two-byte characters', { password: '\u0080'.repeat(37) }, 'password'],
    ['a password of 25 three-byte characters', { password: '\u0800'.repeat(25) }, 'password'],
    ['a password of 19 four-byte characters', { password: '\u{10000}'.repeat(19) }, 'password'],
    ['a key with a C1 control', { public_key: 'a\u0085b' }, 'public_key'],
    ['a key of 8,193 characters', { public_key: 'k'.repeat(8193) }, 'public_key'],
    ['an unknown field', { admin: true }, 'admin'],
  ])('refuses %s with 422 and names the field', async (_name, over, field) => {
    const answer = await relay.post('/register', person(over))
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toContain(field)
  })

  test.each([
    ['72 characters of one byte', '\u007f'.repeat(72)],
    ['36 of two', '\u07ff'.repeat(36)],
    ['24 of three', '\uffff'.repeat(24)],
    ['18 of four', '\u{10ffff}'.repeat(18)],
    ['8 characters', '12345678'],
  ])('takes a password of %s', async (_name, password) => {
    expect(outcomeOf(await relay.post('/register', person({ password })))).toBe('201')
  })

  test.each([
    ['username', 'must be 3 to 32 of the letters A-Z and a-z, digits, "_", "." and "-"', 'ab'],
    ['password', 'must have at least 8 characters', '1234567'],
    ['password', 'must have at most 72 bytes as UTF-8', 'x'.repeat(73)],
    ['password', 'must not contain a lone surrogate', 'long enough\ud800'],
    ['password', 'must not contain NUL', 'long enough\0'],
    ['public_key', 'must have 1 to 8192 characters', ''],
    ['public_key', 'must not contain a lone surrogate', 'key\ud800'],
    ['public_key', 'must not contain control characters other than TAB, LF and CR', 'key\0'],
  ])('refuses with 422 a %s that breaks its rule, and says that it %s', async (field, message, value) => {
    const answer = await relay.post('/register', person({ [field]: value }))
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(problemOf(answer).errors).toEqual([{ path: field, message }])
  })

  test('refuses lone surrogates wherever text goes', async () => {
    for (const field of ['username', 'password', 'public_key']) {
      const body = JSON.stringify(person()).replace(
        new RegExp(`"${field}":"[^"]*"`),
        `"${field}":"abcdefgh\\ud800"`,
      )
      const answer = await relay.request('POST', '/register', {
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect(namedFields(answer)).toContain(field)
    }
  })

  test('never refuses because of an Authorization header', async () => {
    for (const token of ['garbage', tokenFor(crypto.randomUUID(), {}, 'another secret of sufficient length')])
      expect((await relay.post('/register', person(), { token })).status).toBe(201)
  })
})

describe('POST /login', () => {
  test('takes the OAuth2 form with all its fields, and the same as JSON', async () => {
    const user = await relay.register({ password: 'p&s=s+w%rd é€' })
    const { username, password } = user
    for (const extra of [{}, { grant_type: 'password', scope: '', client_id: 'a', client_secret: 'b' }]) {
      const form = await relay.request('POST', '/login', { form: { username, password, ...extra } })
      const json = await relay.post('/login', { username, password, ...extra })
      for (const answer of [form, json]) {
        expect(answer.status).toBe(200)
        expect(answer.json).toEqual({
          access_token: expect.any(String),
          token_type: 'bearer',
          expires_in: 1800,
        })
      }
    }
  })

  test('tells neither a wrong password from an unknown name, nor one from what nobody could register', async () => {
    const user = await relay.register()
    const attempts = [
      { username: user.username, password: 'wrong password' },
      { username: 'nobody.at.all', password: 'wrong password' },
      { username: '', password: '' },
      { username: '\u212a', password: 'x\0y' },
      { username: 'x'.repeat(10_000), password: 'y'.repeat(10_000) },
    ]
    for (const attempt of attempts) {
      const answer = await relay.post('/login', attempt)
      expect(problemOf(answer)).toEqual({
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'Wrong username or password.',
        code: 'invalid_credentials',
        error: 'invalid_grant',
        error_description: 'Wrong username or password.',
      })
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
  })

  test.each([
    ['a grant type other than password', 'username=a&password=b&grant_type=refresh_token', 'grant_type'],
    ['an unknown field', 'username=a&password=b&extra=1', 'extra'],
    ['a field given twice', 'username=a&username=b&password=c', 'username'],
    ['no password', 'username=a', 'password'],
    ['nothing', '', ''],
  ])('refuses a form with %s', async (_name, form, field) => {
    const answer = await relay.request('POST', '/login', { form })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toContain(field)
  })

  test.each([
    ['broken percent-encoding', 'username=%zz&password=b'],
    ['bytes that are no UTF-8, percent-encoded', 'username=%ff&password=b'],
  ])('refuses a form with %s as malformed', async (_name, form) => {
    expect(outcomeOf(await relay.request('POST', '/login', { form }))).toBe('400 malformed_request')
  })

  test('lets a password of exactly 72 bytes in, and no longer one that begins like it', async () => {
    const password = 'ä'.repeat(36)
    const user = await relay.register({ password })
    expect(outcomeOf(await relay.post('/login', { username: user.username, password }))).toBe('200')
    expect(outcomeOf(await relay.post('/login', { username: user.username, password: `${password}x` }))).toBe(
      '401 invalid_credentials',
    )
  })
})

describe('GET /me', () => {
  test("is the account as registered, with nothing of the password in it, and ignores what it isn't asked for", async () => {
    const user = await relay.register()
    for (const path of ['/me', '/me?x=1', '/me?%zz']) {
      const answer = await relay.get(path, { token: user.token })
      expect(answer.json).toMatchObject({ id: user.id, username: user.username, public_key: user.publicKey })
      expect(answer.text).not.toMatch(/password|hash|\$2b\$/)
    }
  })

  test('is 401 for a genuine token of an account that does not exist', async () => {
    const answer = await relay.get('/me', { token: tokenFor(crypto.randomUUID()) })
    expect(outcomeOf(answer)).toBe('401 not_authenticated')
  })
})
