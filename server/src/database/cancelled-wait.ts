import type { Pool } from 'pg'
import { ConnectionFault } from './faults.js'

/** PostgreSQL's function that waits for the standby. What it says may be in any language. */
const WAITING_ROUTINE = 'SyncRepWaitForLSN'
const RESOLUTION_UNKNOWN = '08007'

/**
 * A commit whose wait for the standby was cancelled is a success with a warning: it is kept here, and a failover may
 * lose it. The warning comes before the success, and makes the statement fail instead; its connection goes with it.
 */
export function doubtCancelledWaits(pool: Pool): void {
  pool.on('connect', (client) => {
    client.on('notice', ({ routine }) => {
      if (routine !== WAITING_ROUTINE) return
      client.emit('error', new ConnectionFault(RESOLUTION_UNKNOWN, 'the standby may lack what was committed'))
    })
  })
}
