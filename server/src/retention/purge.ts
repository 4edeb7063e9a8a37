import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Connection } from '../database/primary.js'
import type { Session } from '../database/session.js'
import { describeFault } from '../log.js'
import { withPurgeLock } from './lock.js'

/**
 * A batch is followed by a pause this many times as long: the sends have the database to themselves then. With 4 their
 * p95 doubled while a million rows went. Two to four thousand records go in a second (pnpm bench:growth).
 */
const PAUSE_FACTOR = 19
/** Where the database is so slow that batches take longer, records must go nonetheless. */
const MAX_PAUSE_MS = 2000

/** How a purge went; each batch is told as it is done. */
export interface PurgeObserver {
  purged(rows: number): void
  finished(): void
}

interface PurgeOptions {
  /** Removes a batch. @returns how many rows */
  readonly deleteForgotten: (session: Session) => Promise<number>
  readonly connection: Connection
  readonly observer: PurgeObserver
  readonly log: Logger
}

async function deleteAll(
  { deleteForgotten, observer }: PurgeOptions,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const startedAt = performance.now()
    const rows = await deleteForgotten(session)
    observer.purged(rows)
    if (rows === 0) return observer.finished()
    const pauseMs = Math.min(MAX_PAUSE_MS, (performance.now() - startedAt) * PAUSE_FACTOR)
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

/**
 * Removes the records of messages whose time is over, by the database's clock alone. The lock only spares several
 * instances the same work; correctness does not hang on it.
 */
export async function purge(options: PurgeOptions, signal: AbortSignal): Promise<void> {
  const { connection, log } = options
  try {
    await withPurgeLock(connection, (session) => deleteAll(options, session, signal))
  } catch (error) {
    log.warn(describeFault(error), 'the purge was cut short; the next one goes on')
  }
}
