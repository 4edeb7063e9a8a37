import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import type { Pool } from './pool.js'
import type { Connection } from './primary.js'
import type { Migration, Migrations } from './schema-engine.js'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))
/** The compiled file also where sources run (`pnpm dev`): what loads sources does not reach into threads. */
const ENGINE_THREAD = new URL('../../dist/database/schema-engine.js', import.meta.url)

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, sql: readFileSync(path.join(folder, name, 'migration.sql'), 'utf8') }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The names that the database says were applied, each with its script's checksum. */
async function readApplied(pool: Pool): Promise<Map<string, string>> {
  const table = await pool.query<{ found: string | null }>(
    `select to_regclass('_prisma_migrations')::text as found`,
  )
  if (!table.rows[0]?.found) return new Map()
  const { rows } = await pool.query<{ name: string; checksum: string }>(
    'select migration_name as name, checksum from _prisma_migrations where finished_at is not null and rolled_back_at is null',
  )
  return new Map(rows.map(({ name, checksum }) => [name, checksum]))
}

function isApplied({ name, sql }: Migration, applied: Map<string, string>): boolean {
  const checksum = applied.get(name)
  if (checksum === undefined) return false
  if (checksum !== createHash('sha256').update(sql).digest('hex'))
    throw new Error(
      `The migration ${name} was changed after it was applied. Restore it; a change is a new migration.`,
    )
  return true
}

/** In a thread that ends afterwards: the engine takes 27 MB, which a process that had loaded it kept until its end. */
async function applyWithEngine(work: Migrations): Promise<string[]> {
  const thread = new Worker(ENGINE_THREAD)
  try {
    return await new Promise((resolve, reject) => {
      thread.once('message', (applied: unknown) => resolve(z.array(z.string()).parse(applied)))
      thread.once('error', reject)
      thread.once('exit', () => reject(new Error('the engine that migrates ended before its work')))
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
      thread.postMessage(work)
    })
  } finally {
    await thread.terminate()
  }
}

/**
 * Brings the database to the schema of this version, by Prisma's own engine; `prisma migrate deploy` would do the
 * same and leave the same `_prisma_migrations`. The engine is loaded only when something is to be applied.
 *
 * @returns the names of the migrations that were applied
 */
export async function migrate(connection: Connection, pool: Pool): Promise<string[]> {
  const folder = path.join(REPOSITORY, 'prisma/migrations')
  const migrations = readMigrations(folder)
  const applied = await readApplied(pool)
  if (migrations.every((migration) => isApplied(migration, applied))) return []
  const schema = path.join(REPOSITORY, 'prisma/schema.prisma')
  // A class cannot be handed to a thread, which makes its own.
  const { Client: _, ...reach } = connection
  return applyWithEngine({
    connection: reach,
    schema: [schema, readFileSync(schema, 'utf8')],
    folder,
    lockfile: readFileSync(path.join(folder, 'migration_lock.toml'), 'utf8'),
    migrations,
  })
}
