import { ApiError } from '@secure-messenger/api'
import type { Clock } from '../clock.js'
import { shortOfRoom, type Room } from '../database/free-space.js'
import { isPassing, unavailable } from '../database/faults.js'
import type { Pool } from '../database/pool.js'

const MAX_CLOCK_DIFFERENCE_MS = 30_000

/** What `/ready` answers with 200. */
export interface Readiness {
  readonly status: 'ready'
  /** Another one after a backup was restored. */
  readonly epoch: string
  /** Only while they are refused, with the reason. */
  readonly writes?: 'refused'
  readonly detail?: string
}

/**
 * Whether this instance can serve: the database answers, and its clock and this one's agree, so that tokens end when
 * they should. One that is short of disk space is ready and says what it refuses: it still gives out what waits, which
 * makes room, and all instances of one database are short at once, so that a balancer would be left with none.
 *
 * @throws ApiError unavailable
 */
export async function checkReadiness(pool: Pool, clock: Clock, room: Room): Promise<Readiness> {
  const askedAt = clock()
  const { now, epoch } = await askDatabase(pool)
  const databaseNow = Date.parse(now)
  // The answer was made somewhere between the question and now: only what lies outside of both is a difference.
  const difference = Math.max(askedAt - databaseNow, databaseNow - clock())
  if (difference > MAX_CLOCK_DIFFERENCE_MS)
    throw new ApiError('unavailable', {
      detail: `This instance's clock differs from the database's by ${Math.round(difference / 1000)} seconds.`,
      retryAfterSeconds: 30,
    })
  if (!room.isShort) return { status: 'ready', epoch }
  return { status: 'ready', epoch, writes: 'refused', detail: shortOfRoom().message }
}

async function askDatabase(pool: Pool): Promise<{ now: string; epoch: string }> {
  try {
    const { rows } = await pool.query<{ now: string; epoch: string }>(
      'select clock_timestamp() as now, id as epoch from epoch',
    )
    if (!rows[0]) throw new Error('the database has no epoch')
    return rows[0]
  } catch (error) {
    throw isPassing(error) ? unavailable(error) : error
  }
}

/** How long an answer is given again: whoever asks without a token must not be able to keep the database busy. */
const KEPT_MS = 1000

/** The same for many who ask at once: one check is under way at a time, and its answer is kept for a second. */
export function shareCheck<T>(check: () => Promise<T>, clock: Clock): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined
  return () => {
    const now = clock()
    if (!last || now - last.at > KEPT_MS) last = { at: now, answer: check() }
    return last.answer
  }
}
