import pg from 'pg'
import type { Logger } from 'pino'
import { doubtCancelledWaits } from './cancelled-wait.js'
import type { Connection } from './primary.js'
import { createTypes } from './types.js'

// Each bound is below the next, so that the innermost thing gives up first and says what it was:
// the statement on the server, the wait for a connection, the answer on the wire.
const STATEMENT_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 5000
const QUERY_TIMEOUT_MS = 8000
const IDLE_TIMEOUT_MS = 60_000

/**
 * Times leave and enter in UTC, whatever the database's own zone: the Prisma adapter drops any other offset. Plans are
 * made for any values: a plan for these very 100 ids was seen to scan the table, and to lock in another order. Every
 * statement here finds its rows by keys, however small a table is while the plan is made, and none lasts long enough
 * for a compiler: with a million rows due, the purge's was seen to scan the table after half a second of compiling.
 */
const SESSION = [
  'TimeZone=UTC',
  `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  'default_transaction_isolation=read\\ committed',
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'jit=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

/** A URL's own `options` would replace the session's settings; they go before them instead. */
function withSession(connection: Connection): Connection {
  const { connectionString } = connection
  if (connectionString === undefined) return { ...connection, options: SESSION }
  const url = new URL(connectionString)
  const own = url.searchParams.get('options')
  url.searchParams.set('options', own ? `${own} ${SESSION}` : SESSION)
  // `pg` reads a "+" as itself. In the query it stands for a space here; in a name or password it is one.
  url.search = url.search.replaceAll('+', '%20')
  return { ...connection, connectionString: url.toString() }
}

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
    query_timeout: QUERY_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    types: createTypes(),
  })
  doubtCancelledWaits(pool)
  // An idle connection that breaks is an event, and an unheard 'error' event ends the process.
  pool.on('error', () => log.warn('an idle database connection was lost'))
  return pool
}

export type { Pool } from 'pg'
