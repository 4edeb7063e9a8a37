import type { Pool } from '../database/pool.js'

const BATCH_ROWS = 500

// By the key, in small batches: no statement holds many locks or lasts long, and two purgers at once are correct.
// The order makes the index on forget_at the only way to the rows, and the limit is written out because a plan for
// any limit counts on a tenth of what is due: with a million rows due that was a scan of the table, for each batch.
export const DELETE_FORGOTTEN = `
  delete from messages where (recipient_id, id) in
    (select recipient_id, id from messages where forget_at < now() order by forget_at limit ${BATCH_ROWS})`

/** Records of messages whose time is over. */
export class RetentionStore {
  constructor(private readonly pool: Pool) {}

  /** Removes some of what is due by the database's clock, 500 at most. @returns how many */
  async deleteForgotten(): Promise<number> {
    const { rowCount } = await this.pool.query({ name: 'purge', text: DELETE_FORGOTTEN })
    return rowCount ?? 0
  }
}
