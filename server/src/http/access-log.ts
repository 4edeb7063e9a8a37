import type { Logger } from 'pino'
import { describeFault } from '../log.js'
import type { Exchange } from './exchange.js'
import type { Metrics } from './metrics.js'

export type LoggedAddress = 'none' | 'network' | 'full'

function addressOf({ client }: Exchange, logged: LoggedAddress): object {
  if (logged === 'none') return {}
  return { address: logged === 'full' ? client.address : client.network }
}

/**
 * One line a request, once its answer has ended: id, route template or procedure, status and time. Never a URL,
 * query, body, token, name or id, and an address only as far as LOG_ADDRESS allows.
 */
export function observe(exchange: Exchange, log: Logger, metrics: Metrics, logged: LoggedAddress): void {
  const { req, res, requestId } = exchange
  const startedAt = performance.now()
  res.once('close', () => {
    const milliseconds = performance.now() - startedAt
    // 499 stands for a client that went away before its answer did.
    const whole = res.writableFinished || (exchange.streams === true && res.headersSent)
    const status = whole ? res.statusCode : 499
    const method = req.method ?? ''
    // The time of a stream is its client's, and says nothing of this server.
    if (!exchange.streams) metrics.observeRequest(method, exchange.route, status, milliseconds / 1000)
    const line = {
      req_id: requestId,
      method,
      route: exchange.route,
      status,
      ms: Math.round(milliseconds * 10) / 10,
      ...addressOf(exchange, logged),
    }
    const { fault } = exchange
    if (!fault || fault.status < 500) return log.info(line, 'answered')
    // What was refused for want of a place has no cause; a fault has one.
    const cause = fault.cause === undefined ? {} : describeFault(fault.cause)
    log[fault.status === 500 ? 'error' : 'warn']({ ...line, code: fault.code, ...cause }, 'failed')
  })
}
