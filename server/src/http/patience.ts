import { headOf } from './answers.js'
import type { Exchange } from './exchange.js'
import type { Operation } from './routes.js'

/** Proxies cut what says nothing for 30 seconds and more. */
const SILENT_MS = 10_000

/**
 * An answer that its client asked to wait for begins after a while, with its head and a space, which JSON allows
 * before a value. What goes wrong after that can only end the connection.
 */
export async function withPatience(
  exchange: Exchange,
  { meta }: Operation,
  work: () => Promise<unknown>,
): Promise<unknown> {
  if (!meta.waits || !exchange.query.includes('wait')) return work()
  const { res } = exchange
  const timer = setInterval(() => {
    if (res.destroyed) return
    if (!res.headersSent)
      res.writeHead(
        meta.successStatus,
        headOf(exchange, { 'content-type': 'application/json', 'x-accel-buffering': 'no' }),
      )
    res.write(' ')
  }, SILENT_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
