import { ApiError, MAX_BATCH_CALLS, toApiError, type AppRouter } from '@secure-messenger/api'
import { allowOf, refuseMethod, RPC_PREFIX, send, sendError, sendOptions } from './answers.js'
import { decodeBody, parseJson, type Body } from './body.js'
import { callProcedure, receiveBody } from './calls.js'
import { contextOf, methodOf, type Exchange } from './exchange.js'
import type { Operation } from './routes.js'
import { withPatience } from './patience.js'
import { answerBatch } from './rpc-batch.js'
import { answerRpcLive } from './rpc-live.js'
import { readUrl, type RpcRequest } from './rpc-url.js'

/** Of a refused batch so many calls are counted: counting thousands would cost more than it bounds. */
const MAX_COUNTED_CALLS = 64

function methodOfKind(kind: Operation['kind']): string {
  return kind === 'mutation' ? 'POST' : 'GET'
}

/** The tRPC door. What concerns the whole HTTP request is decided here. */
export class RpcDoor {
  constructor(
    private readonly router: AppRouter,
    private readonly operations: ReadonlyMap<string, Operation>,
  ) {}

  async answer(exchange: Exchange): Promise<void> {
    const asked = readUrl(exchange)
    const known = asked.names.map((name) => this.operations.get(name)).filter((found) => found !== undefined)
    const [first] = known
    const tooMany = asked.names.length > MAX_BATCH_CALLS
    exchange.route = asked.batched ? `${RPC_PREFIX}*` : `${RPC_PREFIX}${first?.name ?? '*'}`
    // In a batch an unknown procedure is that call's own 404, as tRPC has it.
    if (!first || (tooMany && known.length < asked.names.length))
      return sendError(exchange, new ApiError('not_found'))
    const methods = [...new Set(known.map(({ kind }) => methodOfKind(kind)))]
    if (exchange.req.method === 'OPTIONS') return sendOptions(exchange, allowOf(methods))
    const method = methodOf(exchange.req)
    if (!methods.every((taken) => taken === method)) return refuseMethod(exchange, allowOf(methods))
    const body = method === 'POST' ? await receiveBody(exchange.req, ['application/json']) : undefined
    if (body === 'gone') return
    if (body instanceof ApiError) return refuseCounted(exchange, known, body)
    if (tooMany) {
      const detail = `A batch has at most ${MAX_BATCH_CALLS} calls.`
      return refuseCounted(exchange, known, new ApiError('malformed_request', { detail }))
    }
    if (asked.batched) return answerBatch(this.router, exchange, asked, method, body)
    if (first.kind === 'subscription') return answerRpcLive(exchange, first)
    await answerCall(exchange, first, asked, body)
  }
}

/** Refuses the whole request; its calls are counted as if each had been refused. */
async function refuseCounted(
  exchange: Exchange,
  calls: readonly Operation[],
  error: ApiError,
): Promise<void> {
  const ctx = contextOf(exchange, { batched: true, refused: error })
  const counted = calls.slice(0, MAX_COUNTED_CALLS).map((call) => callProcedure(call, ctx, () => undefined))
  await Promise.allSettled(counted)
  sendError(exchange, error)
}

/**
 * Answers a single call as tRPC's adapter would, without the web request and response that it would make of it:
 * they cost as much as everything else together.
 */
async function answerCall(
  exchange: Exchange,
  operation: Operation,
  { input, unreadable }: RpcRequest,
  body: Body | undefined,
): Promise<void> {
  try {
    const ctx = contextOf(exchange, { unreadable })
    const data = await withPatience(exchange, operation, () =>
      callProcedure(operation, ctx, () => readInput(input, body)),
    )
    const page = exchange.pages.write(data, '{"result":{"data":', '}}')
    send(exchange, 200, page ?? JSON.stringify({ result: { data } }), 'application/json')
  } catch (thrown) {
    sendError(exchange, toApiError(thrown), { procedure: operation.name })
  }
}

function readInput(input: string | undefined, body: Body | undefined): unknown {
  const text = body ? decodeBody(body.bytes) : input
  return text ? parseJson(text) : undefined
}
