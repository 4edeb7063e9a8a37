import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { namedFields, outcomeOf } from '../harness/http.js'
import { tokenFor, useRelay } from '../harness/relay.js'

const relay = useRelay()
const SOMEBODY = crypto.randomUUID()

describe('GET /public-key/{user_id}', () => {
  test('gives the key byte for byte, with version and fingerprint, to anyone with a token', async () => {
    const key = '\n -----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VuAyEA\r\n-----END PUBLIC KEY----- \n'
    const [owner, reader] = [await relay.register({ publicKey: key }), await relay.user()]
    for (const id of [owner.id, owner.id.toUpperCase()]) {
      const answer = await relay.get(`/public-key/${id}`, { token: reader.token })
      expect(answer.json).toEqual({
        user_id: owner.id,
        username: owner.username,
        public_key: key,
        key_version: 1,
        fingerprint: createHash('sha256').update(key).digest('hex'),
        updated_at: expect.stringMatching(/Z$/),
      })
    }
  })

  test.each([
    '999999',
    crypto.randomUUID(),
    `x${SOMEBODY}`,
    `${SOMEBODY}x`,
    '%00',
    'x'.repeat(500),
    '%7Buser_id%7D',
    '{user_id}',
  ])('is 404 for %s, which names nobody', async (id) => {
    const { token } = await relay.user()
    expect(outcomeOf(await relay.get(`/public-key/${id}`, { token }))).toBe('404 not_found')
  })

  test('ignores query parameters, which never stand for the one in the path', async () => {
    const [a, b] = await relay.users(2)
    const answer = await relay.get(`/public-key/${a?.id}?user_id=${b?.id}&x=1&x=2`, { token: a?.token })
    expect(answer.json).toMatchObject({ user_id: a?.id })
  })
})

describe('PUT /update-key', () => {
  test('is seen by every later read, with a version and a fingerprint of its own', async () => {
    const [owner, reader] = await relay.users(2)
    const answer = await relay.put('/update-key', { public_key: 'second' }, { token: owner?.token })
    expect(answer.json).toMatchObject({ user_id: owner?.id, public_key: 'second', key_version: 2 })
    const seen = await relay.get(`/public-key/${owner?.id}`, { token: reader?.token })
    expect(seen.json).toEqual(answer.json)
    const me = await relay.get('/me', { token: owner?.token })
    expect(me.json).toMatchObject({ public_key: 'second', key_version: 2 })
  })

  test('changes neither version nor time when the present key is set again', async () => {
    const owner = await relay.user()
    const first = await relay.put('/update-key', { public_key: 'same' }, { token: owner.token })
    const again = await relay.put('/update-key', { public_key: 'same' }, { token: owner.token })
    expect(again.json).toEqual(first.json)
  })

  test('gives concurrent updates distinct versions', async () => {
    const owner = await relay.user()
    const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`)
    await Promise.all(
      keys.map((public_key) => relay.put('/update-key', { public_key }, { token: owner.token })),
    )
    expect((await relay.get('/me', { token: owner.token })).json).toMatchObject({ key_version: 11 })
  })

  test('refuses what is no key, and an account that is gone', async () => {
    const owner = await relay.user()
    const bad = await relay.put(
      '/update-key',
      { public_key: 'a\u0007', key_version: 9 },
      { token: owner.token },
    )
    expect(outcomeOf(bad)).toBe('422 validation_failed')
    expect(namedFields(bad).toSorted()).toEqual(['key_version', 'public_key'])
    const gone = await relay.put('/update-key', { public_key: 'x' }, { token: tokenFor(crypto.randomUUID()) })
    expect(outcomeOf(gone)).toBe('401 not_authenticated')
  })
})

describe('GET /users/{username}', () => {
  test('finds by name without regard to case, and tells the name as it was written', async () => {
    const owner = await relay.register({ username: `Mixed.Case_${crypto.randomUUID().slice(0, 8)}` })
    for (const name of [owner.username, owner.username.toUpperCase(), owner.username.toLowerCase()]) {
      const answer = await relay.get(`/users/${name}`, { token: owner.token })
      expect(answer.json).toEqual({
        user_id: owner.id,
        username: owner.username,
        key_version: 1,
        fingerprint: createHash('sha256').update(owner.publicKey).digest('hex'),
      })
    }
  })

  test.each(['nobody-here', 'a%2Fb', '%E2%84%AAelvin', 'ab', '%00%00%00', '%25'])(
    'is 404 for %s',
    async (name) => {
      const { token } = await relay.user()
      expect(outcomeOf(await relay.get(`/users/${name}`, { token }))).toBe('404 not_found')
    },
  )
})
