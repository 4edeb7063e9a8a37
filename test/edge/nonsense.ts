import fc from 'fast-check'

const anyBytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString('latin1'))

const usually = <T>(weight: number, usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })

const lineEnd = usually(12, '\r\n', fc.constantFrom('\n', '\r', '\0\r\n', '\r\r\n', ''))
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS') },
  { weight: 1, arbitrary: fc.constantFrom('BREW', 'CONNECT', 'get', 'G T', '') },
)
const target = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '/health',
      '/me',
      '/messages',
      '/messages/delivered',
      '/login',
      '/trpc/messages.send',
      '/trpc/messages.list?batch=1',
      '/docs',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '*',
      '/%',
      '/%00',
      '//',
      '/../me',
      'http://',
      '/messages?limit=%ff',
      '/trpc/',
      'x:1',
      '',
    ),
  },
  { weight: 1, arbitrary: anyBytes(30) },
)
const version = usually(
  8,
  'HTTP/1.1',
  fc.constantFrom('HTTP/1.0', 'HTTP/9.9', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 x', ''),
)
const header = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'Host: relay',
      'Connection: close',
      'Connection: keep-alive, upgrade',
      'Upgrade: websocket',
      'Expect: 100-continue',
      'Content-Type: application/json',
      'Content-Type: application/x-www-form-urlencoded; charset=x',
      'Content-Encoding: gzip',
      'Authorization: Bearer \xff\xfe',
      'Transfer-Encoding: chunked',
      'Origin: null',
      ' folded: x',
      'NoColon',
      ': nameless',
    ),
  },
  { weight: 2, arbitrary: fc.integer({ min: -1, max: 400 }).map((length) => `Content-Length: ${length}`) },
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: 0n, max: 2n ** 70n }).map((length) => `Content-Length: ${length}`),
  },
  { weight: 1, arbitrary: anyBytes(30) },
  { weight: 1, arbitrary: fc.tuple(anyBytes(10), anyBytes(30)).map(([name, value]) => `${name}: ${value}`) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40_000 }).map((length) => `X-Huge: ${'x'.repeat(length)}`),
  },
)
const chunk = fc
  .tuple(
    usually(4, '', fc.constantFrom('0', 'x', '-', ' ', 'ffffffffffffffff', ';a=b')),
    anyBytes(20),
    lineEnd,
  )
  .map(([odd, data, end]) => `${odd}${data.length.toString(16)}${end}${data}${end}`)
const body = fc.oneof(
  fc.constant(''),
  anyBytes(400),
  fc.json().map((text) => Buffer.from(text).toString('latin1')),
  fc.array(chunk, { maxLength: 4 }).map((chunks) => `${chunks.join('')}0\r\n\r\n`),
)

const request = fc
  .record({
    method,
    target,
    version,
    headers: fc.array(fc.tuple(header, lineEnd), { maxLength: 8 }),
    lineEnd,
    body,
  })
  .map((one) => {
    const lines = one.headers.map(([text, end]) => text + end)
    return `${one.method} ${one.target} ${one.version}${one.lineEnd}${lines.join('')}\r\n${one.body}`
  })

/** What a client may send that means no good or does not know better: requests more or less, one after the other, cut. */
export const nonsense: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.array(request, { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat(2000), { nil: undefined, freq: 2 }),
      )
      .map(([requests, length]) => requests.join('').slice(0, length)),
  },
  { weight: 1, arbitrary: anyBytes(500) },
)

/** The beginning of a head that never ends. */
export const unfinishedHead: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('GET /health HTTP/1.1\r\nHost: relay\r\n', 'POST /login HTTP/1.1\r\n'), fc.nat(40))
  .map(([text, length]) => text.slice(0, length))
