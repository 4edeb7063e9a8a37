import type { Pool } from './pool.js'

/** Begins a new epoch, which every login and /ready tell from now on. @returns its id */
export async function beginEpoch(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into epoch (single) values (true)
      on conflict (single) do update set id = excluded.id, began_at = excluded.began_at
      returning id`,
  )
  return rows[0]?.id ?? ''
}

/** PostgreSQL's own name for the cluster, undefined where it is told to nobody. */
async function readSystem(pool: Pool): Promise<string | undefined> {
  const { rows: allowed } = await pool.query<{ may: boolean }>(
    `select has_function_privilege('pg_control_system()', 'execute') as may`,
  )
  if (!allowed[0]?.may) return undefined
  const { rows } = await pool.query<{ system: string }>(
    'select system_identifier::text as system from pg_control_system()',
  )
  return rows[0]?.system
}

/**
 * Begins a new epoch where the database was moved to another cluster since the last start, as by a dump that was
 * restored. A copy of a cluster's files has its name, and so has a standby: neither is noticed.
 *
 * @returns whether one began
 */
export async function noticeOtherCluster(pool: Pool): Promise<boolean> {
  const system = await readSystem(pool)
  const { rows } = await pool.query<{ kept: string | null }>('select system::text as kept from epoch')
  const kept = rows[0]?.kept
  if (system === undefined || kept === system) return false
  // The first look after the migration is no move.
  await pool.query('update epoch set system = $1 where system is null', [system])
  // Of several servers that start at once one begins it.
  const { rowCount } = await pool.query(
    'update epoch set id = gen_random_uuid(), began_at = now(), system = $1 where system <> $1',
    [system],
  )
  return rowCount === 1
}
