import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import type { ServerResponse } from 'node:http'
import {
  ApiError,
  MAX_BATCH_CALLS,
  toApiError,
  validationFailed,
  type AppRouter,
} from '@secure-messenger/api'
import { resolveResponse } from '@trpc/server/http'
import { allowOf, errorHeaders, refuseMethod, RPC_PREFIX, sendError, sendOptions } from './answers.js'
import { decodeBody, parseJson, type Body } from './body.js'
import { callProcedure, receiveBody } from './calls.js'
import { contextOf, methodOf, type Exchange } from './exchange.js'
import type { Operation } from './routes.js'
import { parseUrlEncoded } from './urlencoded.js'

/** Of a refused batch so many calls are counted: counting thousands would cost more than it bounds. */
const MAX_COUNTED_CALLS = 64

/** What a URL below /trpc/ asks for. */
interface RpcCall {
  readonly names: readonly string[]
  readonly batched: boolean
  readonly input: string | undefined
  /** Broken encoding, or `input` twice: told once the caller was admitted. */
  readonly unreadable: ApiError | undefined
}

function readUrl({ path, query }: Exchange): RpcCall {
  const name = path.slice(RPC_PREFIX.length)
  let parameters: [string, string][] = []
  let unreadable: ApiError | undefined
  try {
    parameters = parseUrlEncoded(query)
  } catch (error) {
    unreadable = toApiError(error)
  }
  const inputs = parameters.filter(([parameter]) => parameter === 'input')
  if (inputs.length > 1) unreadable = validationFailed([{ path: 'input', message: 'is given twice' }])
  // Looked for before decoding: a parameter whose encoding is broken does not turn a batch into a call.
  const batched = query.split('&').find((pair) => pair.startsWith('batch=')) === 'batch=1'
  const input = inputs[0]?.[1]
  unreadable ??= batched ? envelopeFault(input) : undefined
  return { names: (batched ? name.split(',') : [name]).map(inert), batched, input, unreadable }
}

/** tRPC decodes the names that it is given; one that is encoded names nothing here, and nothing there. */
function inert(name: string): string {
  return /^[\w.-]*$/.test(name) ? name : 'unknown'
}

/** A batch's input is an object with a field a call. */
function envelopeFault(text: string | undefined): ApiError | undefined {
  if (!text) return undefined
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
  } catch (error) {
    return toApiError(error)
  }
  return validationFailed([{ path: '', message: 'must be an object with a field a call' }])
}

function methodOfKind(kind: Operation['kind']): string {
  return kind === 'query' ? 'GET' : 'POST'
}

/** The tRPC door. What concerns the whole HTTP request is decided here; each call of it is tRPC's own. */
export class RpcDoor {
  constructor(
    private readonly router: AppRouter,
    private readonly operations: ReadonlyMap<string, Operation>,
  ) {}

  async answer(exchange: Exchange): Promise<void> {
    const asked = readUrl(exchange)
    const known = asked.names.map((name) => this.operations.get(name)).filter((found) => found !== undefined)
    const tooMany = asked.names.length > MAX_BATCH_CALLS
    exchange.route = asked.batched ? `${RPC_PREFIX}*` : `${RPC_PREFIX}${known[0]?.name ?? '*'}`
    // In a batch an unknown procedure is that call's own 404, as tRPC has it.
    if (known.length === 0 || (tooMany && known.length < asked.names.length)) return refuseUnknown(exchange)
    const methods = [...new Set(known.map(({ kind }) => methodOfKind(kind)))]
    if (exchange.req.method === 'OPTIONS') return sendOptions(exchange, allowOf(methods))
    const method = methodOf(exchange.req)
    if (!methods.every((taken) => taken === method)) return refuseMethod(exchange, allowOf(methods))
    const body = method === 'POST' ? await receiveBody(exchange.req, ['application/json']) : undefined
    if (body === 'gone') return
    if (body instanceof ApiError) return this.refuseCounted(exchange, known, body)
    if (tooMany) {
      const detail = `A batch has at most ${MAX_BATCH_CALLS} calls.`
      return this.refuseCounted(exchange, known, new ApiError('malformed_request', { detail }))
    }
    await this.resolve(exchange, asked, method, body)
  }

  /** Refuses the whole request; its calls are counted as if each had been refused. */
  private async refuseCounted(
    exchange: Exchange,
    calls: readonly Operation[],
    error: ApiError,
  ): Promise<void> {
    const ctx = contextOf(exchange, { batched: true, refused: error })
    const counted = calls.slice(0, MAX_COUNTED_CALLS).map((call) => callProcedure(call, ctx, () => undefined))
    await Promise.allSettled(counted)
    sendError(exchange, error)
  }

  private async resolve(
    exchange: Exchange,
    asked: RpcCall,
    method: string,
    body: Body | undefined,
  ): Promise<void> {
    const { text, unreadable } = readText(body, asked.batched)
    const streamed = asked.batched && exchange.req.headers['trpc-accept'] === 'application/jsonl'
    const response = await resolveResponse({
      router: this.router,
      path: asked.names.join(','),
      req: toWebRequest(asked, method, text, streamed),
      createContext: async () =>
        contextOf(exchange, { batched: asked.batched, unreadable: asked.unreadable ?? unreadable }),
      error: null,
      responseMeta: ({ errors }) => ({ headers: new Headers(headersOf(errors.map(toApiError))) }),
      onError: ({ error }) => {
        // Of a batch the log tells the worst.
        const fault = toApiError(error)
        if (fault.status > (exchange.fault?.status ?? 0)) exchange.fault = fault
      },
    })
    await sendResponse(exchange.res, response, streamed)
  }
}

function refuseUnknown(exchange: Exchange): void {
  sendError(exchange, new ApiError('not_found'))
}

function readText(
  body: Body | undefined,
  batched: boolean,
): { text?: string; unreadable?: ApiError | undefined } {
  if (!body || body.bytes.length === 0) return {}
  try {
    const text = decodeBody(body.bytes)
    return { text, unreadable: batched ? envelopeFault(text) : undefined }
  } catch (error) {
    return { unreadable: toApiError(error) }
  }
}

/** What tRPC's adapter is shown of a request: nothing that it could take for a rule of its own. */
function toWebRequest(
  { names, batched, input }: RpcCall,
  method: string,
  text: string | undefined,
  streamed: boolean,
) {
  const url = new URL(`http://relay${RPC_PREFIX}${names.join(',')}`)
  if (batched) url.searchParams.set('batch', '1')
  if (input !== undefined) url.searchParams.set('input', input)
  const headers = new Headers({ 'content-type': 'application/json' })
  if (streamed) headers.set('trpc-accept', 'application/jsonl')
  return new Request(url, { method, headers, ...(text !== undefined && { body: text }) })
}

/** Of several refusals in a batch the longest wait counts. */
function headersOf(errors: readonly ApiError[]): Record<string, string> {
  const byWait = errors.toSorted((a, b) => (a.retryAfterSeconds ?? 0) - (b.retryAfterSeconds ?? 0))
  return Object.assign({}, ...byWait.map(errorHeaders))
}

async function sendResponse(res: ServerResponse, response: Response, streamed: boolean): Promise<void> {
  res.statusCode = response.status
  response.headers.forEach((value, name) => {
    if (name !== 'vary') res.setHeader(name, value)
  })
  res.appendHeader('vary', 'trpc-accept')
  res.setHeader('cache-control', 'no-store')
  if (streamed && response.body) {
    // The two declarations of the same web stream, Node's and fetch's, do not know each other.
    const stream: ReadableStream = response.body
    // A client that goes away ends the stream; that is no error of the server's.
    await pipeline(Readable.fromWeb(stream), res).catch(() => undefined)
    return
  }
  res.setHeader('content-type', 'application/json')
  const text = await response.text()
  res.setHeader('content-length', Buffer.byteLength(text))
  res.end(text)
}
