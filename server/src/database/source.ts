import path from 'node:path'
import type { PoolConfig } from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.js'
import { makeDataFolder, startEmbeddedPostgres } from './embedded/embedded.js'
import { lockDataFolder } from './embedded/lock.js'

/** Where the database is. One of the server's own runs, until `close` stops it. */
export interface Source {
  readonly connection: PoolConfig
  /** Which database it is, for the person who starts the server. */
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
 * The database of DATABASE_URL, or else one of the server's own in DATA_DIR, which is started. Nobody has connected yet.
 *
 * @throws DataFolderInUseError
 */
export async function findSource({ databaseUrl, dataDir }: Config, log: Logger): Promise<Source> {
  if (!databaseUrl) return openOwn(dataDir, log)
  return {
    connection: { connectionString: databaseUrl },
    description: describeUrl(databaseUrl),
    close: async () => undefined,
  }
}
