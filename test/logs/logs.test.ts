import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { useRelay, type Relay } from '../harness/relay.js'

const line = z.strictObject({
  level: z.literal(30),
  time: z.int(),
  req_id: z.uuid(),
  method: z.string(),
  route: z.string(),
  status: z.int(),
  ms: z.number(),
  address: z.string().optional(),
  msg: z.literal('answered'),
})

async function linesOf(relay: Relay, least: number): Promise<z.infer<typeof line>[]> {
  for (let i = 0; i < 100; i += 1) {
    const found = relay.process
      .output()
      .split('\n')
      .filter((text) => text.startsWith('{'))
    if (found.length >= least) return found.map((text) => line.parse(JSON.parse(text)))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('too few lines')
}

describe('the log', () => {
  const relay = useRelay()

  test('has a line a request, by route template, and nothing of what was sent or answered', async () => {
    const password = `pw-${randomBytes(12).toString('hex')}`
    const user = await relay.register({ password, publicKey: `key-${randomBytes(12).toString('hex')}` })
    const ciphertext = `ciphertext-${randomBytes(12).toString('hex')}`
    const token = await relay.login(user.username, password)
    const id = await relay.send(user, user, ciphertext)
    await relay.get(`/messages?limit=1&after=${id}`, { token })
    await relay.confirm(user, id)
    await relay.get(`/public-key/${user.id}?secret=${ciphertext}`, { token })
    await relay.get(`/users/${user.username}`, { token })
    await relay.get(`/nope/${user.username}`)
    await relay.get(`/trpc/${user.username}`)
    await relay.query('keys.get', { user_id: user.id }, { token })
    await relay.post('/login', { username: user.username, password: ciphertext })
    await relay.post('/messages', { recipient_id: user.id, ciphertext, [user.username]: 1 }, { token })
    await relay.request('POST', '/messages', {
      token,
      body: `{"${ciphertext}`,
      headers: { 'content-type': 'application/json' },
    })
    const lines = await linesOf(relay, 13)
    const routes = lines.map(({ method, route, status }) => `${method} ${route} ${status}`)
    expect(routes).toContain('POST /login 200')
    expect(routes).toContain('PUT /messages/{id}/delivered 200')
    expect(routes).toContain('GET /public-key/{user_id} 200')
    expect(routes).toContain('GET /users/{username} 200')
    expect(routes).toContain('GET unmatched 404')
    expect(routes).toContain('GET /trpc/* 404')
    expect(routes).toContain('GET /trpc/keys.get 200')
    const output = relay.process.output()
    for (const canary of [
      password,
      user.username,
      user.id,
      user.publicKey,
      ciphertext,
      token,
      user.token,
      id,
    ])
      expect(output).not.toContain(canary)
    // The start lines name the server's own address, and perhaps the database's.
    expect(output.split('\n').filter((text) => text.startsWith('{') && text.includes('127.0.0.1'))).toEqual(
      [],
    )
  })
})

describe.each([
  ['network', '2001:db8:1:200::/56'],
  ['full', '2001:db8:1:2ff::9'],
])('LOG_ADDRESS=%s', (setting, address) => {
  const relay = useRelay({ LOG_ADDRESS: setting, TRUST_PROXY: '1' })

  test(`tells ${address}`, async () => {
    await relay.get('/me', { headers: { 'x-forwarded-for': '2001:db8:1:2ff::9' } })
    expect((await linesOf(relay, 1))[0]?.address).toBe(address)
  })
})
