import type { Session } from '../database/session.js'

const BATCH_ROWS = 500

// By the key, in small batches: no statement holds many locks or lasts long, and two purgers at once are correct.
// The order makes the index on forget_at the only way to the rows, and the limit is written out because a plan for
// any limit counts on a tenth of what is due: with a million rows due that was a scan of the table, for each batch.
export const DELETE_FORGOTTEN = `
  delete from messages where (recipient_id, id) in
    (select recipient_id, id from messages where forget_at < now() order by forget_at limit ${BATCH_ROWS})`

/** Removes some of what is due by the database's clock, 500 at most. @returns how many */
export async function deleteForgotten(session: Session): Promise<number> {
  const { rowCount } = await session.query({ name: 'purge', text: DELETE_FORGOTTEN })
  return rowCount ?? 0
}
