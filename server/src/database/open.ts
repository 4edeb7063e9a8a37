import path from 'node:path'
import type { PoolConfig } from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.js'
import { checkDatabase } from './checks.js'
import { createClient, type PrismaClient } from './client.js'
import { makeDataFolder, startEmbeddedPostgres } from './embedded/embedded.js'
import { lockDataFolder } from './embedded/lock.js'
import { migrate } from './migrate.js'
import { createPool, type Pool } from './pool.js'

/** The database, open and brought up to date. */
export interface Database {
  readonly connection: PoolConfig
  readonly pool: Pool
  readonly prisma: PrismaClient
  /** Which database it is, for the person who starts the server. */
  readonly description: string
  close(): Promise<void>
}

/** Where the database is; what closes it again. */
interface Source {
  readonly connection: PoolConfig
  readonly description: string
  close(): Promise<void>
}

function describeUrl(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl)
  return `${pathname.slice(1) || 'default database'} on ${hostname || 'the local socket'}${port && `:${port}`} (DATABASE_URL)`
}

/** As seen from where the server was started, or whole where it lies elsewhere. */
function shorten(folder: string): string {
  const relative = path.relative('', folder)
  return relative.startsWith('..') ? folder : relative
}

async function openOwn(dataDir: string, log: Logger): Promise<Source> {
  const folder = makeDataFolder(dataDir)
  const unlock = await lockDataFolder(folder)
  try {
    const postgres = await startEmbeddedPostgres(folder, log)
    const version = postgres.version.replace(/-.*/, '')
    const account = postgres.accountName ? `, run as ${postgres.accountName}` : ''
    const orphan = postgres.replacedOrphan ? ' (a killed server had left it running; it was restarted)' : ''
    return {
      connection: postgres.connection,
      description: `its own PostgreSQL ${version} in ${shorten(postgres.folder)}${account}${orphan}`,
      async close() {
        await postgres.stop()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/**
 * Opens the database of DATABASE_URL, or else one of the server's own in DATA_DIR, and applies its migrations.
 *
 * @throws UnsafeDatabaseError, DataFolderInUseError, or what a database says that cannot be reached
 */
export async function openDatabase(config: Config, log: Logger): Promise<Database> {
  const { databaseUrl } = config
  const source = databaseUrl
    ? {
        connection: { connectionString: databaseUrl },
        description: describeUrl(databaseUrl),
        close: async () => undefined,
      }
    : await openOwn(config.dataDir, log)
  const pool = createPool(source.connection, config.databasePoolSize, log)
  try {
    await checkDatabase(pool, config.allowUnsafeDatabase)
    await migrate(source.connection, pool)
  } catch (error) {
    await pool.end()
    await source.close()
    throw error
  }
  const prisma = createClient(pool)
  return {
    connection: source.connection,
    pool,
    prisma,
    description: source.description,
    async close() {
      await prisma.$disconnect()
      await pool.end()
      await source.close()
    },
  }
}
