import pg from 'pg'
import type { Logger } from 'pino'
import { doubtCancelledWaits } from './cancelled-wait.js'
import { boundLending } from './lending.js'
import type { Connection } from './primary.js'
import { withSession } from './session.js'
import { createTypes } from './types.js'

// Each bound is below the next, so that the innermost thing gives up first and says what it was: the statement on the
// server (`session.ts`), the wait for a connection, the time that one is lent (`lending.ts`), the answer on the wire.
const CONNECT_TIMEOUT_MS = 5000
const IDLE_TIMEOUT_MS = 60_000

/**
 * The connections that everything shares: Prisma's client and the hot statements.
 *
 * @param connection - where the database is
 * @param size - connections at most
 */
export function createPool(connection: Connection, size: number, log: Logger): pg.Pool {
  const pool = new pg.Pool({
    ...withSession(connection),
    max: size,
    application_name: 'secure-messenger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    types: createTypes(),
  })
  doubtCancelledWaits(pool)
  boundLending(pool)
  // An idle connection that breaks is an event, and an unheard 'error' event ends the process.
  pool.on('error', () => log.warn('an idle database connection was lost'))
  return pool
}

export type { Pool } from 'pg'
