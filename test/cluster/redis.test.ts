import { randomBytes } from 'node:crypto'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseLink } from '../harness/database-link.js'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { expectDefined } from '../harness/relay.js'
import { TestRedis } from '../harness/redis.js'
import { openLive } from '../harness/stream.js'
import { SECRET_KEY } from '../harness/tokens.js'
import { Instances } from './instances.js'

let redis: TestRedis
let instances: Instances
let [a, b] = ['', '']

beforeAll(async () => {
  redis = await TestRedis.start()
  instances = await Instances.start(2, {
    REDIS_URL: redis.url,
    LIMIT_REGISTER: '100/600',
    LIMIT_LOGIN: '6/600',
    LIMIT_LOGIN_ACCOUNT: 'off',
    TRUST_PROXY: '1',
  })
  ;[a = '', b = ''] = instances.bases
})
afterAll(async () => {
  expect(await instances.stop()).toEqual([0, 0])
  await redis.remove()
})

function register(base: string): Promise<Answer> {
  const username = `u${randomBytes(8).toString('hex')}`
  return request(base, 'POST', '/register', {
    json: { username, password: 'a good password', public_key: 'k' },
  })
}

function logIn(base: string, address: string): Promise<Answer> {
  const form = { username: 'nobody-here', password: 'wrong password' }
  return request(base, 'POST', '/login', { form, headers: { 'x-forwarded-for': address } })
}

function send(base: string, token: string, recipientId: string): Promise<Answer> {
  return request(base, 'POST', '/messages', { json: { recipient_id: recipientId, ciphertext: 'c' }, token })
}

/** Login attempts, alternating between the instances, until one is refused. */
async function attemptsUntilRefused(address: string): Promise<number> {
  for (let at = 0; at < 20; at++) {
    const answer = await logIn(at % 2 ? b : a, address)
    if (answer.status === 429) return at
    expect(outcomeOf(answer)).toBe('401 invalid_credentials')
  }
  return Number.POSITIVE_INFINITY
}

/** One more server on the same database, whose way to Redis is the test's. */
function spawnThrough(link: DatabaseLink): ServerProcess {
  const settings = { SECRET_KEY, LIMIT_REGISTER: '100/600', PORT: '0' }
  return spawnServer({ ...settings, DATABASE_URL: instances.database.url, REDIS_URL: link.url })
}

function logged(what: string): number {
  return instances.output.split(what).length - 1
}

async function pair() {
  const [from, to] = await instances.makePeople(2)
  return { from: expectDefined(from), to: expectDefined(to) }
}

describe('two instances that share a Redis', () => {
  it('have one budget: attempts that alternate between them stop at the limit', async () => {
    expect(await attemptsUntilRefused('198.51.100.1')).toBe(6)
    const refused = await logIn(b, '198.51.100.1')
    expect(refused.headers['ratelimit']).toMatch(/^"login";r=0;t=\d+$/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(500)
  })

  it('wake each other’s streams', async () => {
    const { from, to } = await pair()
    const stream = await openLive(b, to.token)
    await stream.drained()
    expect((await send(a, from.token, to.id)).status).toBe(201)
    await stream.until(() => stream.ids.length === 1, 2000)
    stream.close()
  })

  it('go on by themselves while Redis is away, say so once, and count together again when it is back', async () => {
    const { from, to } = await pair()
    const stream = await openLive(b, to.token)
    await stream.drained()
    await redis.stop()
    await expect.poll(() => logged('Redis is away'), { timeout: 5000 }).toBe(2)
    // Accounts can wait, conversations cannot.
    const refused = await register(a)
    expect([outcomeOf(refused), refused.headers['retry-after']]).toEqual(['503 unavailable', '5'])
    expect(await attemptsUntilRefused('198.51.100.2')).toBe(12)
    expect((await send(a, from.token, to.id)).status).toBe(201)
    expect((await send(b, from.token, to.id)).status).toBe(201)
    // Its own instance's wake-ups come all the same.
    await stream.until(() => stream.ids.length === 2, 2000)
    expect(logged('Redis is away')).toBe(2)
    await redis.run()
    await expect.poll(() => logged('Redis is back'), { timeout: 10_000 }).toBe(2)
    expect(await attemptsUntilRefused('198.51.100.3')).toBe(6)
    expect((await register(a)).status).toBe(201)
    const before = stream.ids.length
    await expect
      .poll(
        async () => {
          await send(a, from.token, to.id)
          return stream.ids.length
        },
        { timeout: 10_000, interval: 500 },
      )
      .toBeGreaterThan(before)
    stream.close()
  })

  it('wait half a second for a Redis that stands still, then go on by themselves until it answers', async () => {
    const { from, to } = await pair()
    const stream = await openLive(b, to.token)
    await stream.drained()
    redis.standStill()
    try {
      const startedAt = performance.now()
      expect(outcomeOf(await register(a))).toBe('503 unavailable')
      expect(await attemptsUntilRefused('198.51.100.5')).toBe(12)
      expect(performance.now() - startedAt).toBeLessThan(10_000)
      expect((await send(b, from.token, to.id)).status).toBe(201)
      await stream.until(() => stream.ids.length === 1, 2000)
    } finally {
      redis.goOn()
    }
    await expect.poll(async () => outcomeOf(await register(a)), { timeout: 10_000 }).toBe('201')
    expect(await attemptsUntilRefused('198.51.100.6')).toBe(6)
    expect((await send(a, from.token, to.id)).status).toBe(201)
    await stream.until(() => stream.ids.length === 2, 10_000)
    stream.close()
  })

  it('leave a connection to Redis that carries nothing any more for a new one', async () => {
    const link = await DatabaseLink.open(redis.url)
    const server = spawnThrough(link)
    const base = await server.listening
    expect(outcomeOf(await register(base))).toBe('201')
    link.stallOnly(link.current)
    await expect.poll(() => register(base).then(outcomeOf), { timeout: 5000 }).toBe('503 unavailable')
    await expect.poll(() => register(base).then(outcomeOf), { timeout: 20_000 }).toBe('201')
    expect(await server.stop()).toBe(0)
    await link.close()
  })

  it('count with the others from their first call on, and start all the same while Redis is away', async () => {
    const link = await DatabaseLink.open(redis.url)
    link.slow(50)
    const slow = spawnThrough(link)
    expect(outcomeOf(await register(await slow.listening))).toBe('201')
    link.refuse()
    const alone = spawnThrough(link)
    expect(outcomeOf(await register(await alone.listening))).toBe('503 unavailable')
    expect(await Promise.all([slow.stop(), alone.stop()])).toEqual([0, 0])
    await link.close()
  })

  it('keep no name and no address in Redis', async () => {
    await logIn(a, '198.51.100.4')
    const client = await createClient({ url: redis.url }).connect()
    const keys = await client.keys('*')
    client.destroy()
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) expect(key).toMatch(/^secure-messenger:limit:\w+:[\w-]{43}$/)
  })
})
