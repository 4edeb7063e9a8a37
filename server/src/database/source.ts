import path from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config.js'
import { makeDataFolder, startEmbeddedPostgres } from './embedded/embedded.js'
import { lockDataFolder } from './embedded/lock.js'
import { connectToPrimary, type Connection } from './primary.js'

/** Where the database is. One of the server's own runs, until `close` stops it. */
export interface Source {
  readonly connection: Connection
  /** Which database it is, for the person who starts the server. */
  readonly description: string
  /** Folders of this machine whose disks it fills. */
  readonly folders: readonly string[]
  close(): Promise<void>
}

function describeUrls(urls: readonly string[]): string {
  const places = urls.map((url) => {
    const { hostname, port } = new URL(url)
    return `${hostname || 'the local socket'}${port && `:${port}`}`
  })
  const name = new URL(urls[0] ?? '').pathname.slice(1)
  return `${name || 'default database'} on ${places.join(' or ')} (DATABASE_URL)`
}

/** As seen from where the server was started, or whole where it lies elsewhere. */
function shorten(folder: string): string {
  const relative = path.relative('', folder)
  return relative.startsWith('..') ? folder : relative
}

async function openOwn({ dataDir, diskFolders }: Config, log: Logger): Promise<Source> {
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
      folders: [...postgres.diskFolders, ...diskFolders],
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
export async function findSource(config: Config, log: Logger): Promise<Source> {
  const { databaseUrls, diskFolders } = config
  if (!databaseUrls) return openOwn(config, log)
  return {
    connection: connectToPrimary(databaseUrls),
    description: describeUrls(databaseUrls),
    folders: diskFolders,
    close: async () => undefined,
  }
}
