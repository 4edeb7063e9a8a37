import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { toApiError } from '@secure-messenger/api'
import { sseStreamProducer } from '@trpc/server/unstable-core-do-not-import'
import { sendError, toRpcShape } from './answers.js'
import type { Exchange } from './exchange.js'
import { beginStream, KEEP_ALIVE_MS, keepFault, type Begun, type Yielded } from './live.js'
import type { Operation } from './routes.js'

/** A client that heard nothing for this long comes again. */
const SILENT_MS = 3 * KEEP_ALIVE_MS

async function* resume({ events, first }: Begun): AsyncGenerator<Yielded, void> {
  for (let step = first; !step.done; step = await events.next()) yield step.value
}

/**
 * tRPC's producer asks for the next event before it hands on the last, and for a client that does not read, or that
 * just left, waits for none: an error would be nobody's then, and end the process. Who does wait still gets it.
 */
function forgettable(begun: Begun): AsyncIterable<Yielded> {
  const events = resume(begun)
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        const step = events.next()
        step.catch(() => undefined)
        return step
      },
      return: () => events.return(),
    }),
  }
}

/**
 * The tRPC side of a stream, in the form that tRPC's own producer gives it. tRPC's adapter would answer 200 before it
 * knows whether the caller may listen; here a refusal has its status.
 */
export async function answerRpcLive(exchange: Exchange, operation: Operation): Promise<void> {
  try {
    const begun = await beginStream(exchange, operation)
    if (!begun) return
    const stream: ReadableStream = sseStreamProducer({
      data: forgettable(begun),
      ping: { enabled: true, intervalMs: KEEP_ALIVE_MS },
      client: { reconnectAfterInactivityMs: SILENT_MS },
      formatError: ({ error: thrown }) => {
        const error = toApiError(thrown)
        keepFault(exchange, error)
        return toRpcShape(error, operation.name, exchange.requestId)
      },
    })
    // A client that goes away ends the stream; that is no error of the server's.
    await pipeline(Readable.fromWeb(stream), exchange.res).catch(() => undefined)
  } catch (thrown) {
    sendError(exchange, toApiError(thrown), { procedure: operation.name })
  }
}
