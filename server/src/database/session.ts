import type { ClientBase } from 'pg'
import type { Connection } from './primary.js'

/** One connection, on which statements follow each other. */
export type Session = Pick<ClientBase, 'query'>

const STATEMENT_TIMEOUT_MS = 5000

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
export function withSession(connection: Connection): Connection {
  const { connectionString } = connection
  if (connectionString === undefined) return { ...connection, options: SESSION }
  const url = new URL(connectionString)
  const own = url.searchParams.get('options')
  url.searchParams.set('options', own ? `${own} ${SESSION}` : SESSION)
  // `pg` reads a "+" as itself. In the query it stands for a space here; in a name or password it is one.
  url.search = url.search.replaceAll('+', '%20')
  return { ...connection, connectionString: url.toString() }
}
