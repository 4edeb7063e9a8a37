import { createHash } from 'node:crypto'
import pg from 'pg'

/** A database that is measured: how many accounts it has, and a look into it behind the server's back. */
export interface Table {
  readonly users: number
  readonly databaseUrl: string
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  close(): Promise<void>
}

const CHUNK_ROWS = 500_000
/** Waiting messages lie as far back as this, so that their time to be purged comes after the measurement. */
const SPREAD = '3 days'

/** The id of the user of a number, spread as random ones are. */
export function userId(number: number): string {
  const hex = createHash('md5').update(`user ${number}`).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export function openTable(databaseUrl: string, users: number): Table {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  pool.on('error', () => undefined)
  return {
    users,
    databaseUrl,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    close: () => pool.end(),
  }
}

async function addUsers(table: Table): Promise<void> {
  const all = `from generate_series(1, ${table.users}) u`
  await table.query(
    `insert into users (id, username, password_hash)
      select md5('user ' || u)::uuid, 'seed' || u, repeat('x', 60) ${all}`,
  )
  await table.query(
    `insert into public_keys (user_id, public_key, fingerprint)
      select md5('user ' || u)::uuid, repeat('k', 44), repeat('f', 60) ${all}`,
  )
}

// In order of time, to the users in turns, as the ids of a server: its time in milliseconds, then what is random.
const ROWS = `
  insert into messages (recipient_id, id, sender_id, client_message_id, ciphertext, ciphertext_hash,
    created_at, expires_at, delivered_at, forget_at)
  select md5('user ' || 1 + i * 7919 % $4)::uuid, (clock || '7' || substr(random, 14, 3) || '8' || substr(random, 18))::uuid,
    md5('user ' || 1 + (i * 104729 + 3) % $4)::uuid, random::uuid,
    case when not $5 then repeat(md5(i::text), 6) || 'in time' end, sha256(i::text::bytea),
    at, at + interval '168 hours', case when $5 then at + interval '1 minute' end, at + interval '192 hours'
  from (
    select i, at, md5('message ' || i) as random, lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as clock
    from (select i, now() - interval '${SPREAD}' * (1 - i / $3::float8) as at from generate_series($1::bigint, $2::bigint) i) times
  ) clocked`

async function addMessages(table: Table, rows: number, delivered: boolean): Promise<void> {
  for (let from = 1; from <= rows; from += CHUNK_ROWS) {
    await table.query(ROWS, [from, Math.min(from + CHUNK_ROWS - 1, rows), rows, table.users, delivered])
    process.stderr.write(`${Math.min(from + CHUNK_ROWS - 1, rows)} of ${rows} messages\r`)
  }
}

/**
 * Fills a table that the migrations have just made. Indexes and foreign keys are taken away meanwhile and come back as
 * the migrations made them: much faster than ten million insertions in random places.
 */
export async function seed(table: Table, rows: number, delivered: boolean): Promise<void> {
  await addUsers(table)
  const constraints = await table.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
      where conrelid = 'messages'::regclass and contype in ('p', 'f', 'u')`,
  )
  for (const { name } of constraints) await table.query(`alter table messages drop constraint ${name}`)
  const indexes = await table.query<{ indexname: string; indexdef: string }>(
    `select indexname, indexdef from pg_indexes where tablename = 'messages'`,
  )
  for (const { indexname } of indexes) await table.query(`drop index ${indexname}`)
  await addMessages(table, rows, delivered)
  for (const { indexdef } of indexes) await table.query(indexdef)
  for (const { name, definition } of constraints)
    await table.query(`alter table messages add constraint ${name} ${definition}`)
  await settle(table)
}

/** Statistics, visibility and the log as after a while of rest. */
export async function settle(table: Table): Promise<void> {
  for (const name of ['users', 'public_keys', 'messages']) await table.query(`vacuum analyze ${name}`)
  await table.query('checkpoint')
}
