import pg, { type PoolConfig } from 'pg'
import type { Logger } from 'pino'
import type { Pool } from '../database/pool.js'
import { describeFault } from '../log.js'

const BATCH_ROWS = 500
const TIMEOUT_MS = 8000
/** Names the purge among advisory locks: the letters "purge" as a number. */
const LOCK_KEY = 0x7075726765

/** How a purge went; each batch is told as it is done. */
export interface PurgeObserver {
  purged(rows: number): void
  finished(): void
}

interface PurgeOptions {
  readonly pool: Pool
  readonly connection: PoolConfig
  readonly observer: PurgeObserver
  readonly log: Logger
}

// By the key, in small batches: no statement holds many locks or lasts long, and two purgers at once are correct.
export const DELETE_FORGOTTEN = `
  delete from messages where (recipient_id, id) in
    (select recipient_id, id from messages where forget_at < now() limit $1)`

async function deleteForgotten({ pool, observer }: PurgeOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { rowCount } = await pool.query({ name: 'purge', text: DELETE_FORGOTTEN, values: [BATCH_ROWS] })
    observer.purged(rowCount ?? 0)
    if (!rowCount) return
  }
}

/**
 * Removes the records of messages whose time is over, by the database's clock alone. The advisory lock only spares
 * several instances the same work; it is held on a connection of its own, and correctness does not hang on it.
 */
export async function purge(options: PurgeOptions, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({
    ...options.connection,
    application_name: 'secure-messenger purge',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
  })
  client.on('error', () => options.log.warn('the purge lost its database connection'))
  try {
    await client.connect()
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      LOCK_KEY,
    ])
    if (!rows[0]?.mine) return
    await deleteForgotten(options, signal)
    options.observer.finished()
  } catch (error) {
    options.log.warn(describeFault(error), 'the purge was cut short; the next one goes on')
  } finally {
    await client.end().catch(() => undefined)
  }
}
