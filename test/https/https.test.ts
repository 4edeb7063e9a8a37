import { spawnSync } from 'node:child_process'
import net from 'node:net'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { outcomeOf } from '../harness/http.js'
import { makeScratch } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'

const tls = { 'x-forwarded-proto': 'https' }
const HSTS = 'strict-transport-security'

describe('FORCE_HTTPS behind one trusted proxy', () => {
  const relay = useRelay({ FORCE_HTTPS: 'true', TRUST_PROXY: '1', CORS_ORIGINS: 'https://ok.example' })

  test('answers plain HTTP with 403 before anything else, in the shape of the door, and never redirects', async () => {
    for (const [method, route] of [
      ['GET', '/me'],
      ['POST', '/login'],
      ['GET', '/nope'],
      ['DELETE', '/me'],
      ['GET', '/docs'],
      ['GET', '/openapi.json'],
      ['GET', '/trpc/auth.me'],
      ['GET', '/trpc/nope'],
    ] as const) {
      const answer = await relay.request(method, route)
      expect(outcomeOf(answer)).toBe('403 https_required')
      expect(answer.headers.location).toBeUndefined()
      expect(answer.headers[HSTS]).toBeUndefined()
    }
  })

  test('lets health checks and allowed metrics pass', async () => {
    for (const route of ['/health', '/ready', '/metrics']) expect((await relay.get(route)).status).toBe(200)
    const forwarded = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    expect(outcomeOf(await relay.get('/metrics', forwarded))).toBe('403 https_required')
    expect(outcomeOf(await relay.get('/metrics', { headers: { ...forwarded.headers, ...tls } }))).toBe(
      '404 not_found',
    )
  })

  test('takes the word of the proxy, and says HSTS on the answers', async () => {
    const answer = await relay.get('/me', { headers: tls })
    expect(outcomeOf(answer)).toBe('401 not_authenticated')
    expect(answer.headers[HSTS]).toBe('max-age=31536000')
  })

  test.each(['http', 'https, http', 'http, https', 'HTTP', 'wss', ''])(
    'is not fooled by %s',
    async (proto) => {
      expect(outcomeOf(await relay.get('/me', { headers: { 'x-forwarded-proto': proto } }))).toBe(
        '403 https_required',
      )
    },
  )
})

describe('a client that is gone before its request is read', () => {
  const relay = useRelay({ TRUST_PROXY: '1' })

  test('does not end the server', async () => {
    const { hostname, port } = new URL(relay.base)
    // Logins keep the loop busy now and then, so that some sockets are reset before they are looked at.
    const work = Array.from({ length: 8 }, () =>
      relay.post('/login', { username: 'nobody', password: 'x'.repeat(20) }),
    )
    for (let i = 0; i < 300; i += 1)
      await new Promise<void>((resolve) => {
        const socket = net.connect(Number(port), hostname, () => {
          socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n', () => socket.resetAndDestroy())
        })
        socket.on('close', () => resolve())
        socket.on('error', () => undefined)
      })
    await Promise.all(work)
    expect((await relay.get('/health')).status).toBe(200)
    expect(relay.process.child.exitCode).toBeNull()
  })
})

describe('FORCE_HTTPS without a trusted proxy', () => {
  const relay = useRelay({ FORCE_HTTPS: 'true' })

  test('believes no header', async () => {
    expect(outcomeOf(await relay.get('/me', { headers: tls }))).toBe('403 https_required')
  })
})

describe('TRUST_PROXY as networks', () => {
  const relay = useRelay({ FORCE_HTTPS: 'true', TRUST_PROXY: '10.0.0.0/8, 127.0.0.2' })

  test('trusts those, and no others', async () => {
    expect(outcomeOf(await relay.get('/me', { headers: tls, localAddress: '127.0.0.1' }))).toBe(
      '403 https_required',
    )
    expect(outcomeOf(await relay.get('/me', { headers: tls, localAddress: '127.0.0.2' }))).toBe(
      '401 not_authenticated',
    )
  })
})

describe('METRICS_ALLOW', () => {
  const relay = useRelay({ METRICS_ALLOW: '203.0.113.0/24', TRUST_PROXY: '1' })

  test('opens the metrics to its networks, by the address that the proxy tells', async () => {
    const at = (address: string) => relay.get('/metrics', { headers: { 'x-forwarded-for': address } })
    expect((await at('203.0.113.7')).status).toBe(200)
    expect(outcomeOf(await at('203.0.114.7'))).toBe('404 not_found')
    expect(outcomeOf(await at('203.0.113.7, 198.51.100.1'))).toBe('404 not_found')
  })
})

describe('TLS_CERT_FILE and TLS_KEY_FILE', () => {
  const scratch = makeScratch()
  afterAll(scratch.remove)
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(scratch.folder, name))
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    '-keyout',
    `${key}`,
    '-out',
    `${cert}`,
    ...subject,
  ])
  if (made.status !== 0) throw new Error('openssl is needed to make a certificate')
  const relay = useRelay({ FORCE_HTTPS: 'true', TLS_CERT_FILE: `${cert}`, TLS_KEY_FILE: `${key}` })

  test('make the server speak TLS itself, which is HTTPS enough', async () => {
    expect(relay.base).toMatch(/^https:/)
    const answer = await relay.get('/me')
    expect(outcomeOf(answer)).toBe('401 not_authenticated')
    expect(answer.headers[HSTS]).toBe('max-age=31536000')
  })
})
