import type { ServerResponse } from 'node:http'
import { toApiError, type ApiError, type Message, type Notice } from '@secure-messenger/api'
import type { TrackedEnvelope } from '@trpc/server'
import { headOf, sendError } from './answers.js'
import { callProcedure } from './calls.js'
import { contextOf, type Exchange } from './exchange.js'
import type { Operation } from './routes.js'

/** Proxies and clients end what is silent for longer. */
export const KEEP_ALIVE_MS = 15_000

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // nginx gathers an answer otherwise.
  'x-accel-buffering': 'no',
}

/** What `messages.live` yields: a message in tRPC's envelope with its id, or a notice. */
export type Yielded = TrackedEnvelope<Message> | Notice

function isIterable(value: unknown): value is AsyncIterable<Yielded> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** A stream whose head is written. */
export interface Begun {
  readonly events: AsyncIterator<Yielded>
  readonly first: IteratorResult<Yielded>
}

/**
 * Calls a subscription, and writes the head once its first event is there: what refuses it or fails before is thrown,
 * to be told by its status. @returns undefined for HEAD, which is answered
 */
export async function beginStream(exchange: Exchange, operation: Operation): Promise<Begun | undefined> {
  const { req, res } = exchange
  const stream = await callProcedure(operation, contextOf(exchange), () => undefined)
  if (!isIterable(stream)) throw new Error(`${operation.name} is no stream`)
  const events = stream[Symbol.asyncIterator]()
  const first = req.method === 'HEAD' ? undefined : await events.next()
  exchange.streams = true
  res.writeHead(200, headOf(exchange, STREAM_HEADERS))
  if (first) return { events, first }
  res.end()
  return undefined
}

/** For the log, of a stream that failed after its head; that a server stops is no fault. */
export function keepFault(exchange: Exchange, error: ApiError): void {
  if (error.status >= 500 && error.cause !== undefined) exchange.fault = error
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
async function writeEvents({ res }: Exchange, { events, first }: Begun): Promise<void> {
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
  try {
    const begun = await beginStream(exchange, operation)
    if (begun) await writeEvents(exchange, begun)
  } catch (thrown) {
    const error = toApiError(thrown)
    if (!exchange.streams) return sendError(exchange, error)
    keepFault(exchange, error)
  }
  exchange.res.end()
}
