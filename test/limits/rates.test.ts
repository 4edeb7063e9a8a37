import { randomUUID } from 'node:crypto'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { outcomeOf, type Answer } from '../harness/http.js'
import { tokenFor, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'

const wrong = (username: string) => ({ username, password: 'a wrong password' })

/** Addresses behind a trusted proxy: each test has clients of its own. */
let lastAddress = 0
function newAddress(): string {
  lastAddress += 1
  return `198.51.100.${lastAddress}`
}
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

async function outcomes(count: number, ask: (i: number) => Promise<Answer>): Promise<string[]> {
  const seen: string[] = []
  for (let i = 0; i < count; i += 1) seen.push(outcomeOf(await ask(i)))
  return seen
}

function expectSpent(answer: Answer, name: string, count: number, windowSeconds: number): void {
  expect(outcomeOf(answer)).toBe('429 rate_limited')
  const seconds = Number(answer.headers['retry-after'])
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(windowSeconds)
  expect(answer.headers['ratelimit']).toBe(`"${name}";r=0;t=${seconds}`)
  expect(answer.headers['ratelimit-policy']).toBe(`"${name}";q=${count};w=${windowSeconds}`)
  const told = Object(answer.json)
  expect(told.retry_after ?? told.error.data.retry_after).toBe(seconds)
}

describe('LIMIT_LOGIN', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_LOGIN: '3/600', LIMIT_LOGIN_ACCOUNT: 'off', TRUST_PROXY: '1' })

  test('counts attempts per address over both doors, whatever their outcome', async () => {
    const at = from(newAddress())
    expect(outcomeOf(await relay.post('/login', {}, at))).toBe('422 validation_failed')
    const body = { ...at, body: '{', headers: { ...at.headers, 'content-type': 'application/json' } }
    expect(outcomeOf(await relay.request('POST', '/trpc/auth.login', body))).toBe('400 malformed_request')
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), at))).toBe('401 invalid_credentials')
    expectSpent(await relay.post('/login', wrong('nobody'), at), 'login', 3, 600)
    expectSpent(await relay.mutate('auth.login', wrong('nobody'), at), 'login', 3, 600)
    // 429 comes before 400 and 422.
    expect(outcomeOf(await relay.post('/login', {}, at))).toBe('429 rate_limited')
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), from(newAddress())))).toBe(
      '401 invalid_credentials',
    )
  })

  test('counts what is refused for its type or size, too', async () => {
    const at = from(newAddress())
    const text = { body: 'x', headers: { ...at.headers, 'content-type': 'text/plain' } }
    const large = {
      body: Buffer.alloc(1_048_577),
      headers: { ...at.headers, 'content-type': 'application/json' },
    }
    expect(outcomeOf(await relay.request('POST', '/login', text))).toBe('415 unsupported_media_type')
    expect(outcomeOf(await relay.request('POST', '/login', large))).toBe('413 too_large')
    expect(outcomeOf(await relay.request('POST', '/trpc/auth.login', text))).toBe(
      '415 unsupported_media_type',
    )
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), at))).toBe('429 rate_limited')
    // 415 still comes first.
    expect(outcomeOf(await relay.request('POST', '/login', text))).toBe('415 unsupported_media_type')
  })

  test('is not widened by a batch: each of its calls counts', async () => {
    const at = from(newAddress())
    const names = Array<string>(5).fill('auth.login').join(',')
    const inputs = Object.fromEntries([0, 1, 2, 3, 4].map((i) => [i, wrong(`nobody${i}`)]))
    const answer = await relay.post(`/trpc/${names}?batch=1`, inputs, at)
    expect(answer.status).toBe(207)
    const codes: string[] = Object(answer.json).map((call: unknown) => Object(call).error.data.code)
    expect(codes.toSorted()).toEqual([
      ...Array<string>(3).fill('invalid_credentials'),
      ...Array<string>(2).fill('rate_limited'),
    ])
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), at))).toBe('429 rate_limited')
  })

  test('counts the calls of a batch that is refused whole', async () => {
    const at = from(newAddress())
    const names = Array<string>(11).fill('auth.login').join(',')
    expect(outcomeOf(await relay.post(`/trpc/${names}?batch=1`, {}, at))).toBe('400 malformed_request')
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), at))).toBe('429 rate_limited')
  })

  test('is not widened by what a client writes into X-Forwarded-For before its proxy does', async () => {
    const address = newAddress()
    const seen = await outcomes(5, (i) =>
      relay.post('/login', wrong('nobody'), from(`10.0.0.${i}, ${address}`)),
    )
    expect(seen.slice(3)).toEqual(['429 rate_limited', '429 rate_limited'])
  })

  test('counts IPv6 by /56, and IPv4 in IPv6 as IPv4', async () => {
    const hosts = [
      '2001:db8:1:100::1',
      '2001:db8:1:1ff::2',
      '2001:0db8:0001:0155:1:2:3:4',
      '2001:db8:1:100::9',
    ]
    const seen = await outcomes(4, (i) => relay.post('/login', wrong('nobody'), from(String(hosts[i]))))
    expect(seen[3]).toBe('429 rate_limited')
    expect(outcomeOf(await relay.post('/login', wrong('nobody'), from('2001:db8:1:200::1')))).toBe(
      '401 invalid_credentials',
    )
    const address = newAddress()
    const mapped = [address, `::ffff:${address}`, address, `::ffff:${address}`]
    expect(
      (await outcomes(4, (i) => relay.post('/login', wrong('nobody'), from(String(mapped[i])))))[3],
    ).toBe('429 rate_limited')
  })
})

describe('without a trusted proxy', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_LOGIN: '2/600', LIMIT_REGISTER: '2/600' })

  test('X-Forwarded-For is believed from nobody', async () => {
    const seen = await outcomes(3, (i) => relay.post('/login', wrong('nobody'), from(`203.0.113.${i}`)))
    expect(seen[2]).toBe('429 rate_limited')
    const person = () => ({
      username: `u${randomUUID().slice(0, 12)}`,
      password: 'a good password',
      public_key: 'k',
    })
    const made = await outcomes(3, (i) => relay.post('/register', person(), from(`203.0.113.${i}`)))
    expect(made).toEqual(['201', '201', '429 rate_limited'])
  })

  test('other paths to an operation are no way round', async () => {
    for (const path of ['/LOGIN', '//login', '/login/', '/trpc//auth.login'])
      expect(outcomeOf(await relay.post(path, wrong('nobody')))).toBe('404 not_found')
  })
})

describe('LIMIT_LOGIN_ACCOUNT', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_LOGIN: 'off', LIMIT_LOGIN_ACCOUNT: '3/600', TRUST_PROXY: '1' })

  test('counts attempts per name in any case, from everywhere, after the input was found valid', async () => {
    const user = await relay.user()
    const names = [user.username, user.username.toUpperCase(), user.username]
    const seen = await outcomes(3, (i) => relay.post('/login', wrong(String(names[i])), from(newAddress())))
    expect(seen).toEqual(Array(3).fill('401 invalid_credentials'))
    expect(outcomeOf(await relay.post('/login', { username: user.username }))).toBe('422 validation_failed')
    const right = { username: user.username, password: user.password }
    expectSpent(await relay.post('/login', right, from(newAddress())), 'login_account', 3, 600)
    expectSpent(await relay.mutate('auth.login', right, from(newAddress())), 'login_account', 3, 600)
  })

  test('counts names that nobody has alike, so that it tells nothing', async () => {
    const seen = await outcomes(4, () => relay.post('/login', wrong('nobody-of-this-name')))
    expect(seen[3]).toBe('429 rate_limited')
  })

  test('does not lock the owner out, who shows a token of the account; that budget ends, too', async () => {
    const user = await relay.user()
    await outcomes(3, () => relay.post('/login', wrong(user.username)))
    const now = Math.floor(Date.now() / 1000)
    const attempt = (token: string) =>
      relay.post('/login', { username: user.username.toUpperCase(), password: user.password }, { token })
    const refused = [
      tokenFor(randomUUID()),
      tokenFor(user.id, {}, 'a key that is not the server’s, though long'),
      tokenFor(user.id, { iat: now - 1800 - 30 * 86_400 - 60 }),
      'noise',
    ]
    for (const token of refused) expect(outcomeOf(await attempt(token))).toBe('429 rate_limited')
    const old = tokenFor(user.id, { iat: now - 1800 - 30 * 86_400 + 60 })
    for (const token of [user.token, old, user.token]) expect(outcomeOf(await attempt(token))).toBe('200')
    expectSpent(await attempt(user.token), 'login_account', 3, 600)
  })
})

describe('limits per user', () => {
  const relay = useRelay({
    LIMITS: 'on',
    LIMIT_REGISTER: 'off',
    LIMIT_SEND: '3/600',
    LIMIT_REQUEST: '5/600',
    LIMIT_LOOKUP: '6/600',
    LIMIT_LOOKUP_MISS: '3/600',
  })

  test('LIMIT_SEND counts sends over both doors, refused ones too, and repeats', async () => {
    const user = await relay.user()
    const message = { recipient_id: user.id, ciphertext: 'x', client_message_id: randomUUID() }
    expect(outcomeOf(await relay.post('/messages', message, { token: user.token }))).toBe('201')
    expect(outcomeOf(await relay.mutate('messages.send', message, { token: user.token }))).toBe('200')
    expect(outcomeOf(await relay.post('/messages', {}, { token: user.token }))).toBe('422 validation_failed')
    expectSpent(await relay.post('/messages', message, { token: user.token }), 'send', 3, 600)
    expectSpent(await relay.mutate('messages.send', {}, { token: user.token }), 'send', 3, 600)
    expect(outcomeOf(await relay.get('/messages', { token: user.token }))).toBe('200')
    const other = await relay.user()
    expect(outcomeOf(await relay.post('/messages', message, { token: other.token }))).toBe('201')
  })

  test('LIMIT_REQUEST counts all other calls of a user together', async () => {
    const user = await relay.user()
    const { token } = user
    const calls = [
      () => relay.get('/me', { token }),
      () => relay.query('messages.list', {}, { token }),
      () => relay.put('/update-key', { public_key: 'k' }, { token }),
      () => relay.confirm(user, randomUUID()),
      () => relay.post('/messages/delivered', { ids: [] }, { token }),
    ]
    for (const call of calls) expect((await call()).status).not.toBe(429)
    const status = `/messages/${randomUUID()}/status?recipient_id=${user.id}`
    for (const path of ['/me', '/messages?limit=x', status, '/messages/live'])
      expectSpent(await relay.get(path, { token }), 'request', 5, 600)
    expect(outcomeOf(await relay.get(`/public-key/${user.id}`, { token }))).toBe('200')
  })

  test('counts calls at once each by its own number, pipelined on one connection, too', async () => {
    const user = await relay.user()
    const { hostname, port } = new URL(relay.base)
    const one = `GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\n`
    const last = `${one}Connection: close\r\n\r\n`
    const said = await new Promise<string>((resolve) => {
      let text = ''
      const socket = net.connect(Number(port), hostname, () => socket.write(`${one}\r\n`.repeat(7) + last))
      socket.on('data', (chunk) => (text += chunk.toString()))
      socket.on('close', () => resolve(text))
    })
    const statuses = [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    expect(statuses.toSorted()).toEqual([...Array<string>(5).fill('200'), ...Array<string>(3).fill('429')])
  })

  test('LIMIT_LOOKUP counts keys.get and users.find together', async () => {
    const user = await relay.user()
    const { token } = user
    const seen = await outcomes(6, (i) =>
      relay.get(i % 2 === 0 ? `/public-key/${user.id}` : `/users/${user.username}`, { token }),
    )
    expect(seen).toEqual(Array(6).fill('200'))
    expectSpent(await relay.query('keys.get', { user_id: user.id }, { token }), 'lookup', 6, 600)
  })

  test('LIMIT_LOOKUP_MISS ends every lookup of one who looked for too much that is not there', async () => {
    const user = await relay.user()
    const { token } = user
    expect(outcomeOf(await relay.get('/public-key/malformed', { token }))).toBe('404 not_found')
    expect(outcomeOf(await relay.get(`/users/${randomUUID().slice(0, 20)}`, { token }))).toBe('404 not_found')
    expect(outcomeOf(await relay.query('keys.get', { user_id: randomUUID() }, { token }))).toBe(
      '404 not_found',
    )
    expectSpent(await relay.get(`/public-key/${user.id}`, { token }), 'lookup_miss', 3, 600)
    // Before 422, as every row per user.
    expect(outcomeOf(await relay.query('users.find', { username: 5 }, { token }))).toBe('429 rate_limited')
    expect(outcomeOf(await relay.get('/me', { token }))).toBe('200')
  })

  test('LIMIT_LOOKUP_MISS holds against many at once', async () => {
    const { token } = await relay.user()
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => relay.get(`/public-key/${randomUUID()}`, { token })),
    )
    const seen = answers.map(outcomeOf)
    expect(seen.filter((outcome) => outcome === '404 not_found').length).toBe(3)
    expect(seen.filter((outcome) => outcome === '429 rate_limited').length).toBe(3)
  })
})

describe('calls that end in 401', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_REQUEST: '4/600', TRUST_PROXY: '1' })

  test('count per address, and are 429 beyond the row; a genuine token is not affected', async () => {
    const user = await relay.user()
    const at = from(newAddress())
    const guesses = [
      () => relay.get('/me', at),
      () => relay.get('/me', { ...at, token: 'noise' }),
      () => relay.query('keys.get', {}, at),
      () => relay.get('/me', { ...at, token: tokenFor(randomUUID()) }),
    ]
    for (const guess of guesses) expect((await guess()).status).toBe(401)
    expectSpent(await relay.get('/messages', at), 'request', 4, 600)
    expectSpent(await relay.post('/messages', {}, { ...at, token: 'noise' }), 'request', 4, 600)
    expect(outcomeOf(await relay.get('/me', { ...at, token: user.token }))).toBe('200')
    expect((await relay.get('/me', from(newAddress()))).status).toBe(401)
  })
})

describe('a window', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_LOGIN: '1/6', LIMIT_LOGIN_ACCOUNT: 'off' })

  test.skipIf(inProcess)('ends when Retry-After says', async () => {
    await relay.post('/login', wrong('nobody'))
    const refused = await relay.post('/login', wrong('nobody'))
    expect(outcomeOf(refused)).toBe('429 rate_limited')
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(refused.headers['retry-after'])))
    expect(outcomeOf(await relay.post('/login', wrong('nobody')))).toBe('401 invalid_credentials')
  })
})

describe('LIMITS=off', () => {
  const relay = useRelay({ LIMITS: 'off', LIMIT_LOGIN: '1/600' })

  test('switches every row off', async () => {
    const seen = await outcomes(4, () => relay.post('/login', wrong('nobody')))
    expect(seen).toEqual(Array(4).fill('401 invalid_credentials'))
  })
})
