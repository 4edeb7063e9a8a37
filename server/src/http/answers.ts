import type { ServerResponse } from 'node:http'
import { ApiError, shapeError, toProblem, ERRORS, type SpentLimit } from '@secure-messenger/api'
import { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import type { Exchange } from './exchange.js'

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
export function errorHeaders(error: ApiError): Record<string, string> {
  const seconds = error.retryAfterSeconds
  return {
    ...(error.status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(seconds !== undefined && { 'retry-after': String(seconds) }),
    ...(error.limit && limitHeaders(error.limit, seconds ?? 0)),
  }
}

/** Answers JSON; every answer of an operation goes through here or through the tRPC adapter. */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  type = 'application/json',
): void {
  const text = JSON.stringify(body)
  res.statusCode = status
  res.setHeader('content-type', type)
  res.setHeader('cache-control', 'no-store')
  res.setHeader('content-length', Buffer.byteLength(text))
  res.end(text)
}

/** Answers an error in the shape of the door that the path leads to. */
export function sendError(exchange: Exchange, error: ApiError, extra: Record<string, string> = {}): void {
  const { res, path, requestId } = exchange
  exchange.fault = error
  if (res.headersSent) return void res.destroy()
  for (const [name, value] of Object.entries(errorHeaders(error))) res.setHeader(name, value)
  if (path.startsWith(RPC_PREFIX)) return sendJson(res, error.status, { error: toRpcShape(error, requestId) })
  sendJson(res, error.status, { ...toProblem(error, requestId), ...extra }, 'application/problem+json')
}

function toRpcShape(error: ApiError, requestId: string) {
  const key = ERRORS[error.code].trpc
  const thrown = new TRPCError({ code: key, message: error.message, cause: error })
  const shape = {
    message: error.message,
    code: TRPC_ERROR_CODES_BY_KEY[key],
    data: { code: key, httpStatus: error.status },
  }
  return shapeError(shape, thrown, undefined, requestId)
}

/** 405 names what the path takes (RFC 9110, 15.5.6). */
export function refuseMethod(exchange: Exchange, allow: string): void {
  exchange.res.setHeader('allow', allow)
  sendError(exchange, new ApiError('method_not_allowed'))
}

/** What a path takes, for Allow: HEAD wherever GET is. */
export function allowOf(methods: readonly string[]): string {
  return [...methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(
    ', ',
  )
}

/** OPTIONS: to a CORS preflight its headers are the answer, to others Allow is. */
export function sendOptions({ req, res }: Exchange, allow: string): void {
  const preflight =
    req.headers.origin !== undefined && req.headers['access-control-request-method'] !== undefined
  if (!preflight) res.setHeader('allow', allow)
  res.statusCode = 204
  res.setHeader('cache-control', 'no-store')
  res.end()
}
