import { ApiError, shapeError, toProblem, ERRORS, type SpentLimit } from '@secure-messenger/api'
import { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import type { Exchange } from './exchange.js'
import { toList, type Headers } from './protection.js'

export const RPC_PREFIX = '/trpc/'

function limitHeaders(
  { name, count, windowSeconds }: SpentLimit,
  resetSeconds: number,
): Record<string, string> {
  return {
    ratelimit: `"${name}";r=0;t=${resetSeconds}`,
    'ratelimit-policy': `"${name}";q=${count};w=${windowSeconds}`,
  }
}

/** The headers that belong to an error, whichever door tells it. */
export function errorHeaders(error: ApiError): Headers {
  const seconds = error.retryAfterSeconds
  return {
    ...(error.status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(seconds !== undefined && { 'retry-after': String(seconds) }),
    ...(error.limit && limitHeaders(error.limit, seconds ?? 0)),
  }
}

export type MediaType = 'application/json' | 'application/problem+json'

/** The head of an answer to an operation: nothing of it may be kept. */
export function headOf({ headers, requestId, epoch }: Exchange, own: Headers = {}): string[] {
  const head = [...headers, 'x-request-id', requestId, 'cache-control', 'no-store', ...toList(own)]
  if (epoch !== undefined) head.push('relay-epoch', epoch)
  return head
}

/** Writes a whole answer: one head, one body; of one that began early, the body alone. Every answer of an operation goes through here. */
export function send(exchange: Exchange, status: number, body: string, type: MediaType, own?: Headers): void {
  if (exchange.res.headersSent) return void exchange.res.end(body)
  const head = headOf(exchange, own)
  head.push('content-type', type, 'content-length', String(Buffer.byteLength(body)))
  exchange.res.writeHead(status, head)
  exchange.res.end(body)
}

export function sendJson(exchange: Exchange, status: number, body: unknown): void {
  send(exchange, status, exchange.pages.write(body) ?? JSON.stringify(body), 'application/json')
}

interface ErrorDetails {
  /** Headers that come with it. */
  readonly headers?: Headers
  /** Members of a problem beyond RFC 9457's and our own. */
  readonly members?: Readonly<Record<string, string>>
  /** The procedure that was called, where a tRPC error names one. */
  readonly procedure?: string
}

/** Answers an error in the shape of the door that the path leads to. */
export function sendError(exchange: Exchange, error: ApiError, details: ErrorDetails = {}): void {
  const { res, path, requestId } = exchange
  exchange.fault = error
  if (res.headersSent) return void res.destroy()
  const headers = { ...errorHeaders(error), ...details.headers }
  if (path.startsWith(RPC_PREFIX)) {
    const body = { error: toRpcShape(error, details.procedure, requestId) }
    return send(exchange, error.status, JSON.stringify(body), 'application/json', headers)
  }
  const problem = { ...toProblem(error, requestId), ...details.members }
  send(exchange, error.status, JSON.stringify(problem), 'application/problem+json', headers)
}

/** An error as tRPC tells it. */
export function toRpcShape(error: ApiError, procedure: string | undefined, requestId: string) {
  const key = ERRORS[error.code].trpc
  const thrown = new TRPCError({ code: key, message: error.message, cause: error })
  const shape = {
    message: error.message,
    code: TRPC_ERROR_CODES_BY_KEY[key],
    data: { code: key, httpStatus: error.status },
  }
  return shapeError(shape, thrown, procedure, requestId)
}

/** 405 names what the path takes (RFC 9110, 15.5.6). */
export function refuseMethod(exchange: Exchange, allow: string): void {
  sendError(exchange, new ApiError('method_not_allowed'), { headers: { allow } })
}

/** What a path takes, for Allow: HEAD wherever GET is. */
export function allowOf(methods: readonly string[]): string {
  return [...methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(
    ', ',
  )
}

/** OPTIONS: to a CORS preflight its headers are the answer, to others Allow is. */
export function sendOptions(exchange: Exchange, allow: string): void {
  const { req, res } = exchange
  const preflight =
    req.headers.origin !== undefined && req.headers['access-control-request-method'] !== undefined
  res.writeHead(204, headOf(exchange, preflight ? {} : { allow }))
  res.end()
}
