import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cors, { type CorsRequest } from 'cors'
import helmet from 'helmet'

/** Headers by their names in lower case. */
export type Headers = Readonly<Record<string, string>>

/** The same as names and values in turn, which is what Node writes with the least work. */
export type HeaderList = readonly string[]

const HSTS = 'max-age=31536000'
const PREFLIGHT_SECONDS = 600

function passOn(error?: unknown): void {
  if (error) throw error
}

/**
 * Headers of every answer, the same for each: asked of helmet once. An API's answers load nothing; the reference page
 * sets a policy of its own.
 */
function readProtection(): Headers {
  const req = new IncomingMessage(new Socket())
  const res = new ServerResponse(req)
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Clients of the named origins read the answers: CORS decides.
    crossOriginResourcePolicy: false,
    // Said on answers over HTTPS only, below.
    strictTransportSecurity: false,
  })
  protect(req, res, passOn)
  return Object.fromEntries(Object.entries(res.getHeaders()).map(([name, value]) => [name, String(value)]))
}

/** What a middleware sets, collected, so that an answer's head is written in one go. */
class HeaderRecord {
  readonly headers: Record<string, string> = {}

  getHeader(name: string): string | undefined {
    return this.headers[name.toLowerCase()]
  }

  setHeader(name: string, value: unknown): void {
    this.headers[name.toLowerCase()] = String(value)
  }

  end(): void {}
}

/** CORS for the named origins and no others, never with credentials. */
function createCors(origins: readonly string[]): (req: CorsRequest) => Headers {
  const allow = cors({
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    credentials: false,
    exposedHeaders: [
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'WWW-Authenticate',
      'X-Request-Id',
      'Relay-Epoch',
    ],
    maxAge: PREFLIGHT_SECONDS,
    // The answer itself, 204 or 404, comes from the routes.
    preflightContinue: true,
  })
  return (req) => {
    const record = new HeaderRecord()
    allow(req, record, passOn)
    return record.headers
  }
}

export function toList(...headers: readonly Headers[]): string[] {
  return headers.flatMap((some) => Object.entries(some).flat())
}

/** Tells the headers that an answer carries whatever it says. */
export function createHeaders(
  origins: readonly string[],
): (req: IncomingMessage, secure: boolean) => HeaderList {
  const allow = createCors(origins)
  const protection = readProtection()
  // From now on only HTTPS (RFC 6797, 7.2).
  const overTls = { 'strict-transport-security': HSTS }
  const plain = toList(protection, allow({ method: 'GET', headers: {} }))
  const secured = [...plain, ...toList(overTls)]
  return (req, secure) => {
    // Requests of no browser are most, and all alike.
    if (req.headers.origin === undefined && req.method !== 'OPTIONS') return secure ? secured : plain
    return toList(protection, allow(req), secure ? overTls : {})
  }
}
