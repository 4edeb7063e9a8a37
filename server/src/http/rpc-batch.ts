import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { ApiError, toApiError, type AppRouter } from '@secure-messenger/api'
import { resolveResponse } from '@trpc/server/http'
import { errorHeaders, headOf, RPC_PREFIX, send } from './answers.js'
import { decodeBody, type Body } from './body.js'
import { contextOf, type Exchange } from './exchange.js'
import type { Headers as AnswerHeaders } from './protection.js'
import { envelopeFault, type RpcRequest } from './rpc-url.js'

/** Answers a batch of calls, by tRPC's own adapter. */
export async function answerBatch(
  router: AppRouter,
  exchange: Exchange,
  asked: RpcRequest,
  method: string,
  body: Body | undefined,
): Promise<void> {
  const { text, unreadable } = readText(body)
  const streamed = exchange.req.headers['trpc-accept'] === 'application/jsonl'
  const response = await resolveResponse({
    router,
    path: asked.names.join(','),
    req: toWebRequest(asked, method, text, streamed),
    createContext: async () =>
      contextOf(exchange, { batched: true, unreadable: asked.unreadable ?? unreadable }),
    error: null,
    responseMeta: ({ errors }) => ({ headers: new Headers(headersOf(errors.map(toApiError))) }),
    onError: ({ error }) => {
      // Of a batch the log tells the worst.
      const fault = toApiError(error)
      if (fault.status > (exchange.fault?.status ?? 0)) exchange.fault = fault
    },
  })
  await sendResponse(exchange, response, streamed)
}

function readText(body: Body | undefined): { text?: string; unreadable?: ApiError | undefined } {
  if (!body || body.bytes.length === 0) return {}
  try {
    const text = decodeBody(body.bytes)
    return { text, unreadable: envelopeFault(text) }
  } catch (error) {
    return { unreadable: toApiError(error) }
  }
}

/** What tRPC's adapter is shown of a request: nothing that it could take for a rule of its own. */
function toWebRequest(
  { names, input }: RpcRequest,
  method: string,
  text: string | undefined,
  streamed: boolean,
) {
  const url = new URL(`http://relay${RPC_PREFIX}${names.join(',')}?batch=1`)
  if (input !== undefined) url.searchParams.set('input', input)
  const headers = new Headers({ 'content-type': 'application/json' })
  if (streamed) headers.set('trpc-accept', 'application/jsonl')
  return new Request(url, { method, headers, ...(text !== undefined && { body: text }) })
}

/** Of several refusals in a batch the longest wait counts. */
function headersOf(errors: readonly ApiError[]): AnswerHeaders {
  const byWait = errors.toSorted((a, b) => (a.retryAfterSeconds ?? 0) - (b.retryAfterSeconds ?? 0))
  return Object.assign({}, ...byWait.map(errorHeaders))
}

async function sendResponse(exchange: Exchange, response: Response, streamed: boolean): Promise<void> {
  // Whether it streams depends on the request's trpc-accept.
  const own: Record<string, string> = { vary: 'trpc-accept' }
  response.headers.forEach((value, name) => {
    if (name !== 'vary' && name !== 'content-type') own[name] = value
  })
  if (!streamed || !response.body)
    return send(exchange, response.status, await response.text(), 'application/json', own)
  const type = response.headers.get('content-type') ?? 'application/json'
  exchange.res.writeHead(response.status, headOf(exchange, { ...own, 'content-type': type }))
  // The two declarations of the same web stream, Node's and fetch's, do not know each other.
  const stream: ReadableStream = response.body
  // A client that goes away ends the stream; that is no error of the server's.
  await pipeline(Readable.fromWeb(stream), exchange.res).catch(() => undefined)
}
