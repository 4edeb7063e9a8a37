import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '@secure-messenger/api'

const RETRY_AFTER_SECONDS = 2

// SQLSTATE classes that say "not now": connection, resources, operator intervention, system, and rollbacks.
const PASSING_CLASSES = new Set(['08', '40', '53', '55', '57', '58'])

// What `pg` throws without a SQLSTATE when a connection is lost, refused, or not to be had in time.
const CONNECTION_MESSAGES =
  /timeout|terminat|not queryable|ECONN|ENOENT|EPIPE|EHOSTUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|Cannot use a pool|closed the connection/i

// What Prisma's adapter makes of those: the system's own code is gone then.
const PASSING_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout'])

/** What this server itself finds wrong with a connection, in the shape of an error of the database's. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly severity = 'FATAL'
  constructor(
    readonly code: '08001' | '08006' | '08007',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

function* causes(thrown: unknown): Generator<Error> {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth += 1) {
    yield error
    error = error.cause
  }
}

function textOf(error: object, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field)
  return typeof value === 'string' ? value : undefined
}

// Five characters with a digit among them: EPIPE is a system's error, P2010 one of Prisma's.
function isSqlState(code: string): boolean {
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code)
}

/** The SQLSTATE of a database error, whether `pg` threw it or Prisma's adapter wrapped it. */
export function sqlState(thrown: unknown): string | undefined {
  for (const error of causes(thrown)) {
    const own = textOf(error, 'code')
    if (own && isSqlState(own)) return own
    const original = textOf(error, 'originalCode')
    if (original) return original
  }
  const driverError = driverErrorOf(thrown)
  return driverError && textOf(driverError, 'originalCode')
}

// Prisma's known errors keep the driver's in meta.driverAdapterError.cause.
function driverErrorOf(thrown: unknown): object | undefined {
  if (!(thrown instanceof Error) || !('meta' in thrown)) return undefined
  const { meta } = thrown
  if (typeof meta !== 'object' || meta === null || !('driverAdapterError' in meta)) return undefined
  const { driverAdapterError } = meta
  if (!(driverAdapterError instanceof Error) || typeof driverAdapterError.cause !== 'object') return undefined
  return driverAdapterError.cause ?? undefined
}

/** Whether a database error passes by itself: the request may be tried again. */
export function isPassing(thrown: unknown): boolean {
  const state = sqlState(thrown)
  // 25006: a connection to what was the primary until a moment ago.
  if (state) return PASSING_CLASSES.has(state.slice(0, 2)) || state === '25006'
  const driverError = driverErrorOf(thrown)
  if (driverError && PASSING_KINDS.has(textOf(driverError, 'kind') ?? '')) return true
  for (const error of causes(thrown)) {
    const code = textOf(error, 'code')
    if (code && /^(P1\d{3}|P2024|P2028)$/.test(code)) return true
    if (CONNECTION_MESSAGES.test(error.message) || (code && CONNECTION_MESSAGES.test(code))) return true
  }
  return false
}

/**
 * Runs what asks the database. A database that is away, busy or going down makes `unavailable`; every other error
 * passes through, and ends as `internal_error`.
 */
export async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiError) && isPassing(error)) throw unavailable(error)
    throw error
  }
}

/**
 * Before each further attempt. Connections that were cut together are noticed one after another: at once the next would
 * be a dead one, too.
 */
const PAUSES_MS = [50, 200]
/** What took longer is not begun again: its client has waited enough. */
const RETRY_WITHIN_MS = 3000

/** Does what may safely be done more than once, and does it again after an error that passes. */
export async function persist<T>(work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  for (const pauseMs of PAUSES_MS) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error) || performance.now() - startedAt > RETRY_WITHIN_MS) throw error
      await sleep(pauseMs)
    }
  }
  return work()
}

/** As `asking`, for what may safely be done more than once: a connection that was cut is nobody's business but ours. */
export function askingAgain<T>(work: () => Promise<T>): Promise<T> {
  return asking(() => persist(work))
}

export function unavailable(cause?: unknown): ApiError {
  return new ApiError('unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS, cause })
}
