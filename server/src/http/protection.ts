import type { IncomingMessage, ServerResponse } from 'node:http'
import cors from 'cors'
import helmet from 'helmet'

/** A header-setting step that needs nothing of Express. */
export type Step = (req: IncomingMessage, res: ServerResponse) => void

const HSTS = 'max-age=31536000'
const PREFLIGHT_SECONDS = 600

function run(
  middleware: (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void,
): Step {
  return (req, res) => {
    middleware(req, res, (error) => {
      if (error) throw error
    })
  }
}

/** Headers of every answer. An API's answers load nothing; the reference page sets a policy of its own. */
export const protect: Step = run(
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Clients of the named origins read the answers: CORS decides.
    crossOriginResourcePolicy: false,
    // Said on answers over HTTPS only, below.
    strictTransportSecurity: false,
  }),
)

/** On an answer over HTTPS: from now on only HTTPS (RFC 6797, 7.2). */
export function demandHttps(res: ServerResponse): void {
  res.setHeader('strict-transport-security', HSTS)
}

/** CORS for the named origins and no others, never with credentials. */
export function createCors(origins: readonly string[]): Step {
  return run(
    cors({
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'PUT'],
      credentials: false,
      exposedHeaders: ['Retry-After', 'RateLimit', 'RateLimit-Policy', 'WWW-Authenticate', 'X-Request-Id'],
      maxAge: PREFLIGHT_SECONDS,
      // The answer itself, 204 or 404, comes from the routes.
      preflightContinue: true,
    }),
  )
}
