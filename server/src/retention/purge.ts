import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { leave } from '../database/leaving.js'
import type { Pool } from '../database/pool.js'
import { createClient, type Connection } from '../database/primary.js'
import { describeFault } from '../log.js'

const BATCH_ROWS = 500
/** A batch is followed by a pause this many times as long: the sends have the database to themselves then. */
const PAUSE_FACTOR = 4
const MAX_PAUSE_MS = 5000
const TIMEOUT_MS = 8000
/** Longer than a batch and its pause. An instance that stands still, stopped or on a paused machine, loses the lock then. */
const LOCK_IDLE_TIMEOUT_MS = 20_000
/** Names the purge among advisory locks: the letters "purge" as a number. */
export const PURGE_LOCK = 0x7075726765

/** How a purge went; each batch is told as it is done. */
export interface PurgeObserver {
  purged(rows: number): void
  finished(): void
}

interface PurgeOptions {
  readonly pool: Pool
  readonly connection: Connection
  readonly observer: PurgeObserver
  readonly log: Logger
}

// By the key, in small batches: no statement holds many locks or lasts long, and two purgers at once are correct.
// The order makes the index on forget_at the only way to the rows, and the limit is written out because a plan for
// any limit counts on a tenth of what is due: with a million rows due that was a scan of the table, for each batch.
export const DELETE_FORGOTTEN = `
  delete from messages where (recipient_id, id) in
    (select recipient_id, id from messages where forget_at < now() order by forget_at limit ${BATCH_ROWS})`

async function deleteForgotten(
  { pool, observer }: PurgeOptions,
  signal: AbortSignal,
  keepLock: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await keepLock()
    const startedAt = performance.now()
    const { rowCount } = await pool.query({ name: 'purge', text: DELETE_FORGOTTEN })
    observer.purged(rowCount ?? 0)
    if (!rowCount) return
    const pauseMs = Math.min(MAX_PAUSE_MS, (performance.now() - startedAt) * PAUSE_FACTOR)
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

/**
 * Removes the records of messages whose time is over, by the database's clock alone. The advisory lock only spares
 * several instances the same work; it is held on a connection of its own, and correctness does not hang on it.
 */
export async function purge(options: PurgeOptions, signal: AbortSignal): Promise<void> {
  const client = createClient({
    ...options.connection,
    application_name: 'secure-messenger purge',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
  })
  client.on('error', () => options.log.warn('the purge lost its database connection'))
  try {
    await client.connect()
    // PostgreSQL has it from 14 on; before, the lock lasts as long as its connection.
    await client.query(
      "select set_config(name, $1, false) from pg_settings where name = 'idle_session_timeout'",
      [`${LOCK_IDLE_TIMEOUT_MS}ms`],
    )
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      PURGE_LOCK,
    ])
    if (!rows[0]?.mine) return
    await deleteForgotten(options, signal, () => client.query('select 1'))
    options.observer.finished()
  } catch (error) {
    options.log.warn(describeFault(error), 'the purge was cut short; the next one goes on')
  } finally {
    await leave(client.end())
  }
}
