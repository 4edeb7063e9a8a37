import { initTRPC } from '@trpc/server'
import type { CallContext } from './context.js'
import type { ErrorCode } from './errors.js'
import type { RateLimit } from './limits.js'
import { shapeError } from './problem.js'

/** The REST side of an operation: what the path table and the OpenAPI document are made from. */
export interface RestMeta {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: `/${string}`
  readonly tags: string[]
  readonly summary: string
  readonly description: string
  readonly successDescription: string
  readonly protect: boolean
}

// A type and not an interface: tRPC's adapters want an index signature, which only an alias has implicitly.
export type OperationMeta = {
  readonly openapi: RestMeta
  /** The status of a success over REST; over tRPC it is 200. */
  readonly successStatus: 200 | 201
  readonly limit: RateLimit
  /** What the operation itself may answer, beside what every operation may. */
  readonly errors: readonly ErrorCode[]
  /** A request and its answer as the document shows them. */
  readonly example: { readonly request?: unknown; readonly response: unknown }
  /** The body may also come as application/x-www-form-urlencoded. */
  readonly form?: true
  /** A success carries the database's epoch in its head. */
  readonly tellsEpoch?: true
  /** Its answer may take as long as the client asked it to wait. */
  readonly waits?: true
  /** It answers with server-sent events, for as long as the client stays. */
  readonly streams?: true
  /** The REST body is never read: everything is in the path. */
  readonly ignoresBody?: true
}

export const t = initTRPC
  .context<CallContext>()
  .meta<OperationMeta>()
  .create({
    // A stack never leaves the server, in any environment.
    isDev: false,
    // Pages import the schemas and the error codes, and this comes along; nothing here is a server's.
    allowOutsideOfServer: true,
    errorFormatter: ({ shape, error, path, ctx }) => shapeError(shape, error, path, ctx?.requestId),
  })
