import pg, { type PoolConfig } from 'pg'
import type { Logger } from 'pino'

// Each bound is below the next, so that the innermost thing gives up first and says what it was:
// the statement on the server, the wait for a connection, the answer on the wire.
const STATEMENT_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 5000
const QUERY_TIMEOUT_MS = 8000
const IDLE_TIMEOUT_MS = 60_000

/** Times leave and enter in UTC, whatever the database's own zone: the Prisma adapter drops any other offset. */
const SESSION = [
  '-c TimeZone=UTC',
  `-c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  '-c default_transaction_isolation=read\\ committed',
].join(' ')

/**
 * The connections that everything shares: Prisma's client and the hot statements.
 *
 * @param connection - where the database is
 * @param size - connections at most
 */
export function createPool(connection: PoolConfig, size: number, log: Logger): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    max: size,
    options: SESSION,
    application_name: 'secure-messenger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
  })
  // An idle connection that breaks is an event, and an unheard 'error' event ends the process.
  pool.on('error', () => log.warn('an idle database connection was lost'))
  return pool
}

export type { Pool } from 'pg'
