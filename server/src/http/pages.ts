import { ApiError, toApiError } from '@secure-messenger/api'
import express, { type Express, type Handler, type NextFunction, type Request, type Response } from 'express'
import { allowOf, refuseMethod, sendError, sendJson, sendOptions } from './answers.js'
import { DOCS_ASSETS, DOCS_PAGE, DOCS_POLICY, DOCS_SCRIPT, findDocsFolder } from './docs.js'
import type { Exchange } from './exchange.js'
import type { Metrics } from './metrics.js'
import type { OpenApiDocument } from './openapi.js'

export interface PagesOptions {
  readonly document: OpenApiDocument
  readonly metrics: Metrics
  /** Throws ApiError `unavailable` while this instance cannot serve. */
  readonly checkReadiness: () => Promise<void>
  readonly mayReadMetrics: (exchange: Exchange) => boolean
}

/** The exchange that a request of Express belongs to. */
export type ExchangeOf = (res: Response) => Exchange

const GET_ONLY = allowOf(['GET'])

/** What stands beside the operations: reference, document, health, metrics; and 404 for all else. */
export function createPages(options: PagesOptions, exchangeOf: ExchangeOf): Express {
  const app = express()
  app.disable('x-powered-by')
  app.enable('case sensitive routing')
  app.enable('strict routing')

  const page = (path: string, answer: (exchange: Exchange, res: Response) => unknown): void => {
    const routed =
      (handle: (exchange: Exchange, res: Response) => unknown): Handler =>
      async (_req, res) => {
        const exchange = exchangeOf(res)
        exchange.route = path
        await handle(exchange, res)
      }
    app
      .route(path)
      .get(routed(answer))
      .options(routed((exchange) => sendOptions(exchange, GET_ONLY)))
      .all(routed((exchange) => refuseMethod(exchange, GET_ONLY)))
  }

  page('/health', (_exchange, res) => sendJson(res, 200, { status: 'ok' }))
  page('/ready', async (_exchange, res) => {
    await options.checkReadiness()
    sendJson(res, 200, { status: 'ready' })
  })
  page('/openapi.json', (_exchange, res) => sendJson(res, 200, options.document))
  page('/metrics', async (exchange, res) => {
    if (!options.mayReadMetrics(exchange)) throw new ApiError('not_found')
    res.setHeader('content-type', options.metrics.registry.contentType)
    res.end(await options.metrics.registry.metrics())
  })
  addDocs(page)
  app.use((_req, res) => sendError(exchangeOf(res), new ApiError('not_found')))
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    sendError(exchangeOf(res), toApiError(error))
  })
  return app
}

function addDocs(page: (path: string, answer: (exchange: Exchange, res: Response) => unknown) => void): void {
  const folder = findDocsFolder()
  page('/docs', (_exchange, res) => {
    res.setHeader('content-security-policy', DOCS_POLICY)
    res.type('html').send(DOCS_PAGE)
  })
  page('/docs/start.js', (_exchange, res) => res.type('js').send(DOCS_SCRIPT))
  for (const asset of DOCS_ASSETS)
    page(`/docs/${asset}`, (_exchange, res) => res.sendFile(asset, { root: folder }))
}
