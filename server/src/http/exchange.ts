import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallContext, ApiError } from '@secure-messenger/api'
import type { Client } from './client.js'
import type { PageWriter } from './page-json.js'
import type { HeaderList } from './protection.js'

/** One request and its answer, with what the doors need to know of them. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly requestId: string
  readonly client: Client
  /** What the answer carries whatever it says, beside its `x-request-id`. */
  readonly headers: HeaderList
  readonly pages: PageWriter
  /** As it was sent, percent-encoding and all. */
  readonly path: string
  /** What followed the "?", undecoded. */
  readonly query: string
  /** The route's template or procedure, for log and metrics: never what a client wrote. */
  route: string
  /** Its answer is a stream, which ends when either side has had enough. */
  streams?: true
  /** The database's, where the answer is to tell it. */
  epoch?: string
  /** What went wrong inside, for the log. */
  fault?: ApiError
}

export const UNMATCHED = 'unmatched'

// RFC 9112, 3.2.2: a server must take the absolute form, too.
const ABSOLUTE_FORM = /^https?:\/\/[^/?]*/i

function pathOf(target: string): string {
  return target.startsWith('/') ? target : target.replace(ABSOLUTE_FORM, '')
}

export function openExchange(
  req: IncomingMessage,
  res: ServerResponse,
  client: Client,
  headers: HeaderList,
  pages: PageWriter,
): Exchange {
  const requestId = randomUUID()
  const target = pathOf(req.url ?? '/')
  const mark = target.indexOf('?')
  return {
    req,
    res,
    client,
    requestId,
    headers,
    pages,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    route: UNMATCHED,
  }
}

/** The token of `Authorization: Bearer`, unverified (RFC 6750, 2.1). */
export function bearerOf(req: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1]
}

function disconnectionOf(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (res.closed || res.destroyed) controller.abort()
  else res.once('close', () => controller.abort())
  return controller.signal
}

/** What a door tells a procedure of its caller. */
export function contextOf(
  exchange: Exchange,
  {
    batched = false,
    refused,
    unreadable,
  }: Partial<Pick<CallContext, 'batched' | 'refused' | 'unreadable'>> = {},
): CallContext {
  const { req, res, requestId, client } = exchange
  return {
    requestId,
    address: client.network,
    bearer: bearerOf(req),
    disconnected: () => disconnectionOf(res),
    tellEpoch(epoch) {
      exchange.epoch = epoch
    },
    batched,
    refused,
    unreadable,
  }
}

/** The method whose rules apply: HEAD answers as GET does, without the body, which Node leaves out by itself. */
export function methodOf(req: IncomingMessage): string {
  return req.method === 'HEAD' ? 'GET' : (req.method ?? 'GET')
}
