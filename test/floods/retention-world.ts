import type { TestDatabase } from '../harness/database.js'
import { shortenRecords } from '../harness/short-records.js'

/** A record that a purge removed, with the database's times in milliseconds. */
export interface Removed {
  readonly id: string
  readonly expires: number
  readonly delivered: number | null
  readonly forget: number
  readonly removed: number
}

/** Instead of the 24 hours for which a record stays after its message. */
export const RECORD_SECONDS = 1

/** Lets records end soon, and keeps account of when each is removed. */
export async function watchRemovals(database: TestDatabase): Promise<void> {
  await database.sql(`
    ${shortenRecords(RECORD_SECONDS)}
    create table removed as select id, expires_at, delivered_at, forget_at, now() as removed_at from messages limit 0;
    create function note_removal() returns trigger language plpgsql as $$ begin
      insert into removed values (old.id, old.expires_at, old.delivered_at, old.forget_at, clock_timestamp());
      return old;
    end $$;
    create trigger note_removal after delete on messages for each row execute function note_removal()`)
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`

export function readRemovals(database: TestDatabase): Promise<Removed[]> {
  return database.sql<Removed>(
    `select id, ${ms('expires_at')} as expires, ${ms('delivered_at')} as delivered, ${ms('forget_at')} as forget,
      ${ms('removed_at')} as removed from removed`,
  )
}

/** How many records are due for longer than so many seconds. */
export async function countOverdue(database: TestDatabase, seconds: number): Promise<number> {
  const [row] = await database.sql<{ overdue: number }>(
    'select count(*)::int as overdue from messages where forget_at < now() - make_interval(secs => $1)',
    [seconds],
  )
  return row?.overdue ?? 0
}
