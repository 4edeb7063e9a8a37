import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { toApiError } from '@secure-messenger/api'
import { sseStreamProducer } from '@trpc/server/unstable-core-do-not-import'
import { headOf, sendError, toRpcShape } from './answers.js'
import type { Exchange } from './exchange.js'
import { KEEP_ALIVE_MS, openStream, STREAM_HEADERS, type Yielded } from './live.js'
import type { Operation } from './routes.js'

/** A client that heard nothing for this long comes again. */
const SILENT_MS = 3 * KEEP_ALIVE_MS

async function* resume(
  first: IteratorResult<Yielded>,
  events: AsyncIterator<Yielded>,
): AsyncGenerator<Yielded, void> {
  for (let step = first; !step.done; step = await events.next()) yield step.value
}

/**
 * The tRPC side of a stream, in the form that tRPC's own producer gives it. tRPC's adapter would answer 200 before it
 * knows whether the caller may listen; here a refusal has its status.
 */
export async function answerRpcLive(exchange: Exchange, operation: Operation): Promise<void> {
  const { req, res } = exchange
  try {
    const events = await openStream(exchange, operation)
    const first = req.method === 'HEAD' ? undefined : await events.next()
    res.writeHead(200, headOf(exchange, STREAM_HEADERS))
    if (!first) return void res.end()
    const stream: ReadableStream = sseStreamProducer({
      data: resume(first, events),
      ping: { enabled: true, intervalMs: KEEP_ALIVE_MS },
      client: { reconnectAfterInactivityMs: SILENT_MS },
      formatError: ({ error }) => toRpcShape(toApiError(error), operation.name, exchange.requestId),
    })
    // A client that goes away ends the stream; that is no error of the server's.
    await pipeline(Readable.fromWeb(stream), res).catch(() => undefined)
  } catch (thrown) {
    sendError(exchange, toApiError(thrown), { procedure: operation.name })
  }
}
