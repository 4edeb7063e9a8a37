import fc from 'fast-check'

/** A well-formed request, and the status that is due. */
export interface GoodRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: string
  readonly status: number
}

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array).toString('latin1'))

function chunksOf(pieces: readonly string[], trailer: string): string {
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
  return `${chunks.join('')}0\r\n${trailer}\r\n`
}

const JSON_TYPE = 'Content-Type: application/json'

const withoutBody: fc.Arbitrary<GoodRequest> = fc
  .constantFrom(
    { method: 'GET', target: '/health', status: 200 },
    { method: 'GET', target: 'http://elsewhere/health', status: 200 },
    { method: 'HEAD', target: '/health', status: 200 },
    { method: 'OPTIONS', target: '/messages', status: 204 },
    { method: 'GET', target: '/me', status: 401 },
    { method: 'GET', target: '/trpc/messages.list', status: 401 },
    { method: 'GET', target: '/nowhere', status: 404 },
    { method: 'DELETE', target: '/messages', status: 405 },
  )
  .map((one) => ({ ...one, headers: [], body: '' }))

const counted: fc.Arbitrary<GoodRequest> = bytes(300).map((body) => ({
  method: 'POST',
  target: '/messages',
  headers: [JSON_TYPE, `Content-Length: ${body.length}`],
  body,
  status: 401,
}))

const chunked: fc.Arbitrary<GoodRequest> = fc
  .tuple(
    fc.array(
      bytes(100).filter((piece) => piece.length > 0),
      { maxLength: 5 },
    ),
    fc.constantFrom('', 'X-Trailer: 1\r\n'),
  )
  .map(([pieces, trailer]) => ({
    method: 'POST',
    target: '/trpc/messages.send',
    headers: [JSON_TYPE, 'Transfer-Encoding: chunked'],
    body: chunksOf(pieces, trailer),
    status: 401,
  }))

export const goodRequest = fc.oneof(withoutBody, counted, chunked)

export function textOf({ method, target, headers, body }: GoodRequest, last: boolean): string {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: relay',
    ...headers,
    ...(last ? ['Connection: close'] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** The text in pieces, as a network may deliver it. */
export const piecesOf = (text: string, cuts: readonly number[]): string[] => {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...places].map((from, at) => text.slice(from, places[at])).filter((piece) => piece !== '')
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: relay\r\n\r\n'
const SMUGGLED_CHUNK = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`

/** A request of which readers differ where it ends, and the statuses that may refuse it. */
export interface Ambiguous {
  readonly text: string
  readonly statuses: readonly number[]
}

// By its head a request may be refused before anybody reads on: paths and methods come first in the order of refusal.
const REFUSED = new Map([
  ['/messages', [400]],
  ['/login', [400]],
  ['/trpc/messages.send', [400]],
  ['/health', [400, 405]],
  ['/nowhere', [400, 404]],
])

export function makeAmbiguous(target: string, headers: readonly string[], body: string): Ambiguous {
  const text = `${[`POST ${target} HTTP/1.1`, 'Host: relay', ...headers].join('\r\n')}\r\n\r\n${body}`
  return { text, statuses: REFUSED.get(target) ?? [400] }
}

const framing = fc.constantFrom(
  ['Content-Length: 0', `Content-Length: ${SMUGGLED.length}`],
  [`Content-Length: ${SMUGGLED.length}`, `Content-Length: ${SMUGGLED.length}`],
  [`Content-Length: 0, ${SMUGGLED.length}`],
  ['Content-Length: 0', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 4'],
  [`Content-Length: ${SMUGGLED_CHUNK.length}`, 'transfer-encoding: Chunked'],
  ['Transfer-Encoding: chunked, identity'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding: identity'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding: \x0bchunked'],
  ['Content-Length : 0'],
  ['Content-Length: +0'],
  ['Content-Length: -1'],
  ['Content-Length: 0x10'],
  ['Content-Length: 1e1'],
  ['Content-Length: 0\nTransfer-Encoding: chunked'],
  ['Content-Length: 0\rTransfer-Encoding: chunked'],
  ['X: y\0', 'Content-Length: 0', 'Transfer-Encoding: chunked'],
)
const others = fc.array(fc.constantFrom('Accept: */*', JSON_TYPE, 'X-Other: 1', 'Connection: keep-alive'), {
  maxLength: 3,
})
const target = fc.constantFrom(...REFUSED.keys())

const unclearHead = fc
  .tuple(target, others, framing, fc.constantFrom(SMUGGLED, SMUGGLED_CHUNK, `0\r\n\r\n${SMUGGLED}`))
  .map(([path, headers, frame, body]) => makeAmbiguous(path, [...headers, ...frame], body))

// Sizes that some readers take for a number, and ends of line that some take for one.
const unclearChunk = fc
  .tuple(
    target,
    others,
    fc.constantFrom('zz\r\n', '0x0\r\n\r\n', '-1\r\n', '0\n\n', '\r\n0\r\n\r\n', '1\r\nabc\r\n'),
  )
  .map(([path, headers, chunk]) =>
    makeAmbiguous(path, [...headers, JSON_TYPE, 'Transfer-Encoding: chunked'], chunk + SMUGGLED),
  )

/** Each with something behind it that another reader takes for a request. */
export const ambiguous = fc.oneof(
  { weight: 4, arbitrary: unclearHead },
  { weight: 1, arbitrary: unclearChunk },
)
