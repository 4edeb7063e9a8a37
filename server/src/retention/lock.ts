import { leave } from '../database/leaving.js'
import { createClient, type Connection } from '../database/primary.js'
import { withSession, type Session } from '../database/session.js'

const TIMEOUT_MS = 8000
/** Longer than a batch and its pause. An instance that stands still, stopped or on a paused machine, loses the lock then. */
const IDLE_TIMEOUT_MS = 20_000
/** Names the purge among advisory locks: the letters "purge" as a number. */
export const PURGE_LOCK = 0x7075726765

/**
 * Does the work while no other instance does it, or not at all. The lock is held on a connection of its own.
 *
 * @param work - is given that connection, to work on it every few seconds; who lost the lock can do nothing more
 */
export async function withPurgeLock(
  connection: Connection,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const client = createClient({
    ...withSession(connection),
    application_name: 'secure-messenger purge',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
  })
  // An error that nobody hears would end the process. That the connection is gone is found with the next batch.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // PostgreSQL has it from 14 on; before, the lock lasts as long as its connection.
    await client.query(
      "select set_config(name, $1, false) from pg_settings where name = 'idle_session_timeout'",
      [`${IDLE_TIMEOUT_MS}ms`],
    )
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      PURGE_LOCK,
    ])
    if (rows[0]?.mine) await work(client)
  } finally {
    await leave(client.end())
  }
}
