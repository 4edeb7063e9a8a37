import type { ServerResponse } from 'node:http'
import { toApiError, type Message, type Notice } from '@secure-messenger/api'
import type { TrackedEnvelope } from '@trpc/server'
import { headOf, sendError } from './answers.js'
import { callProcedure } from './calls.js'
import { contextOf, type Exchange } from './exchange.js'
import type { Operation } from './routes.js'

/** Proxies and clients end what is silent for longer. */
export const KEEP_ALIVE_MS = 15_000

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // nginx gathers an answer otherwise.
  'x-accel-buffering': 'no',
}

/** What `messages.live` yields: a message in tRPC's envelope with its id, or a notice. */
export type Yielded = TrackedEnvelope<Message> | Notice

function isIterable(value: unknown): value is AsyncIterable<Yielded> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Calls a subscription. What refuses it is thrown; the iteration has not begun. */
export async function openStream(exchange: Exchange, operation: Operation): Promise<AsyncIterator<Yielded>> {
  const events = await callProcedure(operation, contextOf(exchange), () => undefined)
  if (!isIterable(events)) throw new Error(`${operation.name} is no stream`)
  exchange.streams = true
  return events[Symbol.asyncIterator]()
}

function toEventText(yielded: Yielded): string {
  if (!('event' in yielded)) {
    const [id, message] = yielded
    return `event: message\nid: ${id}\ndata: ${JSON.stringify(message)}\n\n`
  }
  const { event, ...data } = yielded
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** What is written until the event loop turns leaves as one packet: a system call costs as much as ten events. */
function gather(res: ServerResponse): void {
  if (res.writableCorked > 0) return
  res.cork()
  setImmediate(() => res.uncork())
}

/** Waits until the client took what was written, or is gone. */
function untilTaken(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off('drain', settle).off('close', settle)
      resolve()
    }
    res.on('drain', settle).on('close', settle)
  })
}

/** Writes one event after another, as fast as the client takes them. Returns when either side has had enough. */
async function writeEvents(
  { res }: Exchange,
  events: AsyncIterator<Yielded>,
  first: IteratorResult<Yielded>,
): Promise<void> {
  const keepAlive = setInterval(() => {
    if (!res.destroyed && !res.writableNeedDrain) res.write(': keep-alive\n\n')
  }, KEEP_ALIVE_MS)
  try {
    for (let step = first; !step.done && !res.destroyed; step = await events.next()) {
      gather(res)
      const ready = res.write(toEventText(step.value))
      if (!ready && !res.destroyed) await untilTaken(res)
    }
  } finally {
    clearInterval(keepAlive)
  }
}

/** The REST side of a stream: server-sent events, as the HTML standard has them. */
export async function answerLive(exchange: Exchange, operation: Operation): Promise<void> {
  const { req, res } = exchange
  try {
    const events = await openStream(exchange, operation)
    // What fails before the first event is told by its status.
    const first = req.method === 'HEAD' ? undefined : await events.next()
    res.writeHead(200, headOf(exchange, STREAM_HEADERS))
    if (first) await writeEvents(exchange, events, first)
  } catch (thrown) {
    const error = toApiError(thrown)
    if (!res.headersSent) return sendError(exchange, error)
    if (error.status >= 500 && error.cause !== undefined) exchange.fault = error
  }
  res.end()
}
