import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ApiError, toApiError } from '@secure-messenger/api'
import express, { type Express, type Handler, type NextFunction, type Request, type Response } from 'express'
import { allowOf, refuseMethod, sendError, sendJson, sendOptions } from './answers.js'
import { DOCS_ASSETS, DOCS_PAGE, DOCS_POLICY, DOCS_SCRIPT, findDocsFolder } from './docs.js'
import type { Exchange } from './exchange.js'
import type { Metrics } from './metrics.js'
import type { OpenApiDocument } from './openapi.js'
import type { Readiness } from './readiness.js'

export interface PagesOptions {
  readonly readDocument: () => Promise<OpenApiDocument>
  readonly metrics: Pick<Metrics, 'contentType'>
  /** Of the whole server. */
  readonly readMetrics: () => Promise<string>
  /** Throws ApiError `unavailable` while this instance cannot serve. */
  readonly checkReadiness: () => Promise<Readiness>
  readonly mayReadMetrics: (exchange: Exchange) => boolean
}

/** Adds a page at a path; to those who may not see it, there is none. */
type AddPage = (
  path: string,
  answer: (exchange: Exchange, res: Response) => unknown,
  maySee?: (exchange: Exchange) => boolean,
) => void

/** The exchange that a request of Express belongs to. */
export type ExchangeOf = (res: Response) => Exchange

const GET_ONLY = allowOf(['GET'])

/** What stands beside the operations: reference, document, health, metrics; and 404 for all else. */
export function createPages(options: PagesOptions, exchangeOf: ExchangeOf): Express {
  const app = express()
  app.disable('x-powered-by')
  app.enable('case sensitive routing')
  app.enable('strict routing')

  const page: AddPage = (template, answer, maySee = () => true) => {
    const routed =
      (handle: (exchange: Exchange, res: Response) => unknown): Handler =>
      async (_req, res) => {
        const exchange = exchangeOf(res)
        exchange.route = template
        if (!maySee(exchange)) throw new ApiError('not_found')
        await handle(exchange, res)
      }
    app
      .route(template)
      .get(routed(answer))
      .options(routed((exchange) => sendOptions(exchange, GET_ONLY)))
      .all(routed((exchange) => refuseMethod(exchange, GET_ONLY)))
  }

  page('/health', (exchange) => sendJson(exchange, 200, { status: 'ok' }))
  page('/ready', async (exchange) => {
    sendJson(exchange, 200, await options.checkReadiness())
  })
  page('/openapi.json', async (exchange) => sendJson(exchange, 200, await options.readDocument()))
  page('/metrics', (_exchange, res) => sendMetrics(options, res), options.mayReadMetrics)
  addDocs(page)
  app.use((_req, res) => sendError(exchangeOf(res), new ApiError('not_found')))
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    sendError(exchangeOf(res), toApiError(error))
  })
  return app
}

async function sendMetrics({ metrics, readMetrics }: PagesOptions, res: Response): Promise<void> {
  const text = await readMetrics()
  res.setHeader('content-type', metrics.contentType)
  res.end(text)
}

function addDocs(page: AddPage): void {
  const folder = findDocsFolder()
  page('/docs', (_exchange, res) => {
    res.setHeader('content-security-policy', DOCS_POLICY)
    res.type('html').send(DOCS_PAGE)
  })
  page('/docs/start.js', (_exchange, res) => res.type('js').send(DOCS_SCRIPT))
  for (const asset of DOCS_ASSETS)
    page(`/docs/${asset}`, async (_exchange, res) => {
      // Whole, always: ranges and preconditions would bring statuses that no document names.
      res.type(path.extname(asset)).send(await readFile(path.join(folder, asset)))
    })
}
