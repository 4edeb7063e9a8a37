import type { Pool } from './pool.js'

// A database with one of these off may lose what it said was kept (promise 1).
const DURABLE = ['fsync', 'full_page_writes', 'synchronous_commit'] as const

/** Thrown at start for a database that could not keep the server's promises. */
export class UnsafeDatabaseError extends Error {
  override readonly name = 'UnsafeDatabaseError'
}

async function readSetting(pool: Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ value: string }>('select current_setting($1) as value', [name])
  return rows[0]?.value ?? ''
}

/**
 * Refuses a database that would lose or change what it is given.
 *
 * @param allowUnsafe - accept one that may lose what it acknowledged (ALLOW_UNSAFE_DATABASE)
 * @throws UnsafeDatabaseError
 */
export async function checkDatabase(pool: Pool, allowUnsafe: boolean): Promise<void> {
  const encoding = await readSetting(pool, 'server_encoding')
  if (encoding !== 'UTF8')
    throw new UnsafeDatabaseError(
      `The database stores text as ${encoding}, which cannot hold every message. Create it with encoding UTF8.`,
    )
  if (allowUnsafe) return
  for (const name of DURABLE) {
    if ((await readSetting(pool, name)) === 'off')
      throw new UnsafeDatabaseError(
        `The database runs with ${name} = off and may lose messages that were acknowledged. Turn it on, or set ` +
          'ALLOW_UNSAFE_DATABASE=true if losing them is acceptable.',
      )
  }
}
