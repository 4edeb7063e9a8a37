import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { ApiError, toApiError, type AppRouter } from '@secure-messenger/api'
import type { Logger } from 'pino'
import { describeFault } from '../log.js'
import { observe, type LoggedAddress } from './access-log.js'
import { RPC_PREFIX, sendError } from './answers.js'
import { createClientReader, type TrustedProxies } from './client.js'
import { openExchange, type Exchange } from './exchange.js'
import type { Metrics } from './metrics.js'
import { isWithin, LOOPBACK, type Network } from '../networks.js'
import type { OpenApiDocument } from './openapi.js'
import { PageWriter } from './page-json.js'
import { createPages } from './pages.js'
import { createHeaders } from './protection.js'
import type { Readiness } from './readiness.js'
import { answerRest } from './rest.js'
import { readOperations, RestRoutes } from './routes.js'
import { RpcDoor } from './rpc.js'

export interface AppOptions {
  readonly router: AppRouter
  readonly readDocument: () => Promise<OpenApiDocument>
  readonly metrics: Metrics
  /** Of all processes of this server. */
  readonly readMetrics: () => Promise<string>
  readonly log: Logger
  readonly checkReadiness: () => Promise<Readiness>
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: TrustedProxies
  readonly forceHttps: boolean
  readonly metricsAllow: readonly Network[] | undefined
  readonly logAddress: LoggedAddress
}

const PAGE_PATH = /^\/[\w./-]*$/
const HTTPS_EXEMPT = new Set(['/health', '/ready'])

type Route = (exchange: Exchange) => Promise<void>

/** Which door a request goes to: an operation's REST path, tRPC, or the pages. */
function createRoute(options: AppOptions): Route {
  const operations = readOperations(options.router)
  const rest = new RestRoutes(operations.values())
  const rpc = new RpcDoor(options.router, operations)
  const exchanges = new WeakMap<ServerResponse, Exchange>()

  const mayReadMetrics = ({ client }: Exchange): boolean =>
    client.local ||
    (!isWithin(client.address, LOOPBACK) && isWithin(client.address, options.metricsAllow ?? []))
  const pages = createPages({ ...options, mayReadMetrics }, (res) => {
    const exchange = exchanges.get(res)
    if (!exchange) throw new Error('a response that belongs to no exchange')
    return exchange
  })

  const lacksHttps = (exchange: Exchange): boolean => {
    if (!options.forceHttps || exchange.client.secure || HTTPS_EXEMPT.has(exchange.path)) return false
    return !(exchange.path === '/metrics' && mayReadMetrics(exchange))
  }

  return async (exchange) => {
    const { req, res, path } = exchange
    if (req.httpVersion === '1.1' && req.headers.host === undefined)
      return sendError(exchange, new ApiError('malformed_request', { detail: 'The Host header is missing.' }))
    if (lacksHttps(exchange)) return sendError(exchange, new ApiError('https_required'))
    if (path.startsWith(RPC_PREFIX)) return rpc.answer(exchange)
    const match = rest.find(path)
    if (match) return answerRest(exchange, match)
    // Express would read the target in its own way; it gets to see what was decided upon here, and nothing else.
    if (!PAGE_PATH.test(path)) return sendError(exchange, new ApiError('not_found'))
    req.url = path
    exchanges.set(res, exchange)
    const head = ['x-request-id', exchange.requestId, ...exchange.headers]
    for (let at = 0; at + 1 < head.length; at += 2) res.setHeader(head[at] ?? '', head[at + 1] ?? '')
    pages(req, res)
  }
}

/** Builds what answers requests, in the order a request meets it. Nothing listens yet. */
export function createApp(options: AppOptions): RequestListener {
  const { metrics, log, logAddress } = options
  const readClient = createClientReader(options.trustedProxies)
  const headersOf = createHeaders(options.corsOrigins)
  const route = createRoute(options)
  const pageWriter = new PageWriter()

  const meet = (req: IncomingMessage, res: ServerResponse): void => {
    const client = readClient(req)
    const exchange = openExchange(req, res, client, headersOf(req, client.secure), pageWriter)
    observe(exchange, log, metrics, logAddress)
    route(exchange).catch((error: unknown) => sendError(exchange, toApiError(error)))
  }

  return (req, res) => {
    try {
      meet(req, res)
    } catch (error) {
      // Nothing that a client sends, or stops sending, may end the process.
      log.error(describeFault(error), 'a request could not be taken')
      res.destroy()
    }
  }
}
