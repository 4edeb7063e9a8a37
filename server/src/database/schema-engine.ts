import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { connectToPrimary, type Connection } from './primary.js'

export interface Migration {
  readonly name: string
  readonly sql: string
}

/** What this thread is asked to apply, and where. */
export interface Migrations {
  readonly connection: Omit<Connection, 'Client'>
  readonly schema: [path: string, content: string]
  readonly folder: string
  readonly lockfile: string
  readonly migrations: readonly Migration[]
}

const CONNECT_TIMEOUT_MS = 10_000

// The package's own entry imports the .wasm file as a module, which Node does behind a flag only.
async function loadEngine(): Promise<void> {
  const entry = import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const bytes = await readFile(fileURLToPath(entry.replace(/\.js$/, '.wasm')))
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': { ...bindings } })
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start']
  if (typeof start === 'function') start()
}

/**
 * Applies what is missing of a list of migrations, under the engine's advisory lock, so that of several servers that
 * start at once one does it. Only `applyMigrations` is used: the verbs that want a shadow database do not know
 * adapters.
 *
 * @returns the names of the migrations that were applied
 */
async function apply({ connection, schema, folder, lockfile, migrations }: Migrations): Promise<string[]> {
  await loadEngine()
  const reached = connection.urls ? connectToPrimary(connection.urls) : connection
  // The advisory lock belongs to a session: one connection, which ends with the engine's work and lets go of it.
  const pool = new pg.Pool({ ...reached, max: 1, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  pool.on('error', () => undefined)
  const factory = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool))
  const engine = await bindings.SchemaEngine.new({ datamodels: [schema] }, () => undefined, factory)
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: folder,
        lockfile: { path: 'migration_lock.toml', content: lockfile },
        shadowDbInitScript: '',
        migrationDirectories: migrations.map(({ name, sql }) => ({
          path: name,
          migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
        })),
      },
      filters: { externalTables: [], externalEnums: [] },
    })
    return appliedMigrationNames
  } finally {
    engine.free()
    await pool.end()
  }
}

// What is refused here is an error that nobody catches: it ends the thread, and who started it is told of it.
parentPort?.once('message', (work: Migrations) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
  void apply(work).then((applied) => parentPort?.postMessage(applied))
})
