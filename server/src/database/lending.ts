import type { Pool, PoolClient } from 'pg'
import { ConnectionFault } from './faults.js'

/** Longer than a statement may take (`session.ts`), shorter than a client waits for its answer. */
const LENT_MS = 8000
const CONNECTION_FAILURE = '08006'

/**
 * Ends a connection that was lent for too long: nothing comes from its other end, which nobody would notice for hours.
 *
 * The driver has `query_timeout` for this, whose timer holds a query and all its rows: a third of all that was read then
 * outlived the young generation, and a list of 50 took half as much again of the processor's time.
 */
export function boundLending(pool: Pool): void {
  const timers = new WeakMap<PoolClient, NodeJS.Timeout>()
  pool.on('acquire', (client) => {
    const end = (): void => {
      const fault = new ConnectionFault(CONNECTION_FAILURE, 'a database connection said nothing for too long')
      client.connection.stream.destroy(fault)
    }
    timers.set(client, setTimeout(end, LENT_MS))
  })
  pool.on('release', (_error, client) => clearTimeout(timers.get(client)))
}
