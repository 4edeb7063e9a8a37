import { randomUUID } from 'node:crypto'
import net from 'node:net'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, namedFields, type RequestOptions } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay({ CORS_ORIGINS: 'http://ok.example,https://two.example:8443' })
const JSON_TYPE = { 'content-type': 'application/json' }
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

function sendBody(body: string | Buffer, headers: Record<string, string> = JSON_TYPE) {
  return relay.request('POST', '/messages', { token: user.token, body, headers })
}

describe('paths', () => {
  test.each([
    '/ME',
    '/me/',
    '//me',
    '/m%65',
    '/messages/',
    '/Messages',
    '/messages//delivered',
    `/messages/${randomUUID()}/Delivered`,
    `/messages/${randomUUID()}/delivered/`,
    '/messages//status',
    '/public-key',
    '/public-key/',
    '/public-key/a/b',
    '/public-key/%zz',
    '/public-key/%ff',
    '/users/',
    '/login/',
    '/Login',
    '//login',
    '/docs/',
    '/health/',
    '/HEALTH',
    '/trpc',
    '/trpc/',
    '/trpc/auth.Me',
    '/trpc/auth%2Eme',
    '/trpc/auth.me/',
    '/trpc//auth.me',
    '/trpc/constructor',
    '/',
    '/nope',
    '/__proto__',
    '/health#x',
    '/docs#x',
    '/me#x',
    'ftp://relay.example/health',
  ])('%s is 404, for nothing but the exact path is one', async (path) => {
    const answer = await relay.get(path, { token: user.token })
    expect(outcomeOf(answer)).toBe('404 not_found')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['x-request-id']).toBeTruthy()
  })

  test('the absolute form of a target is taken (RFC 9112, 3.2.2)', async () => {
    expect(outcomeOf(await relay.get('http://relay.example/me', { token: user.token }))).toBe('200')
  })
})

describe('methods', () => {
  test.each([
    ['DELETE', '/me', 'GET, HEAD, OPTIONS'],
    ['POST', '/me', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/messages', 'POST, GET, HEAD, OPTIONS'],
    ['GET', '/register', 'POST, OPTIONS'],
    ['HEAD', '/register', 'POST, OPTIONS'],
    ['POST', '/update-key', 'PUT, OPTIONS'],
    ['PUT', '/messages/delivered', 'POST, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['PUT', '/trpc/auth.me', 'GET, HEAD, OPTIONS'],
    ['GET', '/trpc/messages.send', 'POST, OPTIONS'],
    ['HEAD', '/trpc/messages.send', 'POST, OPTIONS'],
    ['POST', '/trpc/messages.list', 'GET, HEAD, OPTIONS'],
  ])('%s %s is 405 and names what is taken', async (method, path, allow) => {
    const answer = await relay.request(method, path)
    expect(answer.status).toBe(405)
    if (method !== 'HEAD') expect(outcomeOf(answer)).toBe('405 method_not_allowed')
    expect(answer.headers.allow).toBe(allow)
  })

  test.each(['/me', '/messages', '/health', '/docs', '/trpc/auth.me'])(
    'HEAD %s has the head of GET and no body',
    async (path) => {
      const options: RequestOptions = { token: user.token }
      const [head, get] = [await relay.request('HEAD', path, options), await relay.get(path, options)]
      expect(head.status).toBe(get.status)
      expect(head.text).toBe('')
      expect(head.headers['content-length']).toBe(get.headers['content-length'])
      expect(head.headers['content-type']).toBe(get.headers['content-type'])
    },
  )

  test('OPTIONS is 204 with Allow, and 404 where there is nothing', async () => {
    const answer = await relay.request('OPTIONS', '/messages')
    expect(answer.status).toBe(204)
    expect(answer.headers.allow).toBe('POST, GET, HEAD, OPTIONS')
    expect((await relay.request('OPTIONS', '/trpc/messages.send')).headers.allow).toBe('POST, OPTIONS')
    expect((await relay.request('OPTIONS', '/nope')).status).toBe(404)
  })
})

describe('bodies', () => {
  const message = (): string => JSON.stringify({ recipient_id: user.id, ciphertext: 'x' })

  test.each([
    ['application/json', '201'],
    ['APPLICATION/JSON; Charset="UTF-8"', '201'],
    ['application/json; charset=utf-8', '201'],
    ['application/json; charset=iso-8859-1', '415 unsupported_media_type'],
    ['application/json; charset=utf-16', '415 unsupported_media_type'],
    ['text/plain', '415 unsupported_media_type'],
    ['application/x-www-form-urlencoded', '415 unsupported_media_type'],
    ['multipart/form-data; boundary=x', '415 unsupported_media_type'],
    ['application/jsonp', '415 unsupported_media_type'],
  ])('of type %s: %s', async (type, outcome) => {
    expect(outcomeOf(await sendBody(message(), { 'content-type': type }))).toBe(outcome)
  })

  test('without a type are 415, unless there is none', async () => {
    expect(outcomeOf(await sendBody(message(), {}))).toBe('415 unsupported_media_type')
    for (const headers of [{}, JSON_TYPE]) {
      const answer = await sendBody('', headers)
      expect(outcomeOf(answer)).toBe('422 validation_failed')
      expect(namedFields(answer)).toEqual([''])
    }
  })

  test.each(['gzip', 'identity', 'br'])('with Content-Encoding: %s are 415', async (encoding) => {
    const answer = await sendBody(gzipSync(message()), { ...JSON_TYPE, 'content-encoding': encoding })
    expect(outcomeOf(answer)).toBe('415 unsupported_media_type')
  })

  test.each([
    ['no JSON', '{"recipient_id"'],
    ['nothing but spaces', '   '],
    ['a byte order mark first', `\ufeff{}`],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a lone surrogate as bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['single quotes', `{'a':1}`],
    ['NaN', '{"ciphertext":NaN}'],
  ])('of %s are 400', async (_name, body) => {
    expect(outcomeOf(await sendBody(body))).toBe('400 malformed_request')
  })

  test.each([['null'], ['"text"'], ['5'], ['[]'], ['true']])(
    'of %s, which is no object, are 422',
    async (body) => {
      const answer = await sendBody(body)
      expect(outcomeOf(answer)).toBe('422 validation_failed')
      expect(namedFields(answer)).toEqual([''])
    },
  )

  test('of a field 40,000 arrays deep are 422', async () => {
    const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
    expect(outcomeOf(await sendBody(`{"recipient_id":${deep},"ciphertext":${deep}}`))).toBe(
      '422 validation_failed',
    )
    expect(outcomeOf(await sendBody(deep))).toBe('422 validation_failed')
  })

  test('take the last of duplicate keys', async () => {
    const body = `{"recipient_id":"1","recipient_id":"${user.id}","ciphertext":5,"ciphertext":"last"}`
    expect(outcomeOf(await sendBody(body))).toBe('201')
  })

  test.each(['__proto__', 'constructor', 'toString'])('with the field %s are refused', async (field) => {
    const answer = await sendBody(`{"recipient_id":"${user.id}","ciphertext":"x","${field}":{"a":1}}`)
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toEqual([field])
  })

  test('of 65,536 escaped characters fit, and of more than 1 MiB are 413, declared or not', async () => {
    const escaped = `{"recipient_id":"${user.id}","ciphertext":"${'\\u6f22'.repeat(65_536)}"}`
    expect(outcomeOf(await sendBody(escaped))).toBe('201')
    const large = `{"recipient_id":"${user.id}","ciphertext":"${'x'.repeat(2_000_000)}"}`
    expect(outcomeOf(await sendBody(large))).toBe('413 too_large')
    expect(outcomeOf(await sendChunked(large))).toBe('413 too_large')
    const exact = message().padEnd(1_048_576, ' ')
    expect(outcomeOf(await sendBody(exact))).toBe('201')
    expect(outcomeOf(await sendBody(`${exact} `))).toBe('413 too_large')
  })

  async function sendChunked(body: string) {
    const answer = await fetch(`${relay.base}/messages`, {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${user.token}` },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body))
          controller.close()
        },
      }),
      duplex: 'half',
    })
    const text = await answer.text()
    const headers = { 'content-type': answer.headers.get('content-type') ?? '' }
    return { status: answer.status, headers, text, json: JSON.parse(text) as unknown }
  }
})

describe('order of refusal', () => {
  const wrong = { 'content-type': 'text/plain' }
  test.each([
    ['405 before 415', 'DELETE', '/messages', { body: 'x', headers: wrong }, '405 method_not_allowed'],
    [
      '415 before 413',
      'POST',
      '/messages',
      { body: Buffer.alloc(2_000_000), headers: wrong },
      '415 unsupported_media_type',
    ],
    ['415 before 401', 'POST', '/messages', { body: 'x', headers: wrong }, '415 unsupported_media_type'],
    [
      '413 before 401',
      'POST',
      '/messages',
      { body: Buffer.alloc(2_000_000), headers: JSON_TYPE },
      '413 too_large',
    ],
    ['401 before 400', 'POST', '/messages', { body: '{', headers: JSON_TYPE }, '401 not_authenticated'],
    ['401 before 422', 'POST', '/messages', { json: {} }, '401 not_authenticated'],
    ['401 before a query that is 400', 'GET', '/messages?limit=%zz', {}, '401 not_authenticated'],
    ['401 before a query that is 422', 'GET', '/messages?limit=x', {}, '401 not_authenticated'],
    ['401 before 404', 'GET', '/public-key/x', {}, '401 not_authenticated'],
  ])('%s', async (_name, method, path, options, outcome) => {
    expect(outcomeOf(await relay.request(method, path, options))).toBe(outcome)
  })

  test('every operation but two needs a token', async () => {
    const id = randomUUID()
    const operations: [string, string, unknown?][] = [
      ['GET', '/me'],
      ['POST', '/messages', { recipient_id: id, ciphertext: 'x' }],
      ['GET', '/messages'],
      ['PUT', `/messages/${id}/delivered`],
      ['GET', `/public-key/${id}`],
      ['PUT', '/update-key', { public_key: 'x' }],
      ['GET', '/users/someone'],
      ['POST', '/messages/delivered', { ids: [id] }],
      ['GET', `/messages/${id}/status?recipient_id=${id}`],
    ]
    for (const [method, path, json] of operations) {
      const answer = await relay.request(method, path, { json })
      expect(outcomeOf(answer)).toBe('401 not_authenticated')
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
  })
})

describe('CORS', () => {
  const preflight = {
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'authorization,last-event-id,trpc-accept',
  }

  test('answers a preflight of a named origin with 204 and no Allow, the requested headers reflected', async () => {
    for (const path of ['/update-key', '/trpc/messages.send']) {
      const answer = await relay.request('OPTIONS', path, {
        headers: { origin: 'http://ok.example', ...preflight },
      })
      expect(answer.status).toBe(204)
      expect(answer.headers.allow).toBeUndefined()
      expect(answer.headers['access-control-allow-origin']).toBe('http://ok.example')
      expect(answer.headers['access-control-allow-methods']).toBe('GET,HEAD,POST,PUT')
      expect(answer.headers['access-control-allow-headers']).toBe(preflight['access-control-request-headers'])
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    }
  })

  test('lets named origins read answers and errors, with the headers they need', async () => {
    for (const path of ['/me', '/nope', '/trpc/auth.me', '/health']) {
      const answer = await relay.get(path, { headers: { origin: 'https://two.example:8443' } })
      expect(answer.headers['access-control-allow-origin']).toBe('https://two.example:8443')
      expect(answer.headers['access-control-expose-headers']).toBe(
        'Retry-After,RateLimit,RateLimit-Policy,WWW-Authenticate,X-Request-Id,Relay-Epoch',
      )
    }
  })

  test.each([
    'https://evil.example',
    'null',
    'https://ok.example',
    'http://ok.example.evil.example',
    'http://OK.example',
  ])('says nothing to %s', async (origin) => {
    for (const [method, headers] of [
      ['GET', {}],
      ['OPTIONS', preflight],
    ] as const) {
      const answer = await relay.request(method, '/me', { headers: { origin, ...headers } })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })
})

test('an answer has no powered-by, no ETag, and is never stored', async () => {
  for (const answer of [
    await relay.get('/me', { token: user.token }),
    await relay.get('/me'),
    await relay.get('/nope'),
  ]) {
    expect(answer.headers['x-powered-by']).toBeUndefined()
    expect(answer.headers['etag']).toBeUndefined()
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['strict-transport-security']).toBeUndefined()
  }
})

test('Accept never changes an answer', async () => {
  for (const accept of ['text/html', 'application/xml', 'application/jsonl', 'image/png']) {
    const options = { token: user.token, headers: { accept } }
    expect((await relay.get('/me', options)).headers['content-type']).toBe('application/json')
    expect((await relay.get('/trpc/auth.me', options)).headers['content-type']).toBe('application/json')
    expect(outcomeOf(await relay.get('/nope', options))).toBe('404 not_found')
  }
})

async function speak(text: string): Promise<string> {
  const { hostname, port } = new URL(relay.base)
  return new Promise<string>((resolve, reject) => {
    let said = ''
    const socket = net.connect(Number(port), hostname, () => socket.write(text))
    socket.on('data', (chunk) => (said += chunk.toString()))
    socket.on('close', () => resolve(said))
    socket.on('error', reject)
  })
}

test.each([
  ['no Host', 'GET /me HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['no known method', 'BREW /me HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a broken chunk', 'POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['two lengths', 'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}'],
  ['a head of 20 KB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
])('a request with %s gets a problem with a request id', async (_name, text) => {
  const said = await speak(text)
  expect(said).toMatch(/^HTTP\/1\.1 400 /)
  expect(said.toLowerCase()).toContain('x-request-id:')
  expect(said).toContain('"code":"malformed_request"')
})

test('an expectation that is unknown is ignored', async () => {
  const answer = await relay.get('/health', { headers: { expect: 'the-unexpected' } })
  expect(answer.status).toBe(200)
})

test('what is no HTTP gets a problem and the end of its connection', async () => {
  const said = await speak('NONSENSE\r\n\r\n')
  expect(said).toMatch(/^HTTP\/1\.1 400 /)
  expect(said).toContain('"code":"malformed_request"')
})
