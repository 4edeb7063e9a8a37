import type { Logger } from 'pino'
import type { Config } from '../config.js'
import { checkDatabase } from './checks.js'
import { createClient, type PrismaClient } from './client.js'
import { noticeOtherCluster } from './epoch.js'
import { FreeSpace } from './free-space.js'
import { leave } from './leaving.js'
import { migrate } from './migrate.js'
import { createPool, type Pool } from './pool.js'
import type { Connection } from './primary.js'
import type { Source } from './source.js'

/** The database, open and brought up to date. */
export interface Database {
  readonly connection: Connection
  readonly pool: Pool
  readonly prisma: PrismaClient
  readonly space: FreeSpace
  /** Which database it is, for the person who starts the server. */
  readonly description: string
  /** Ends the connections, and the source with them. */
  close(): Promise<void>
}

/**
 * Connects to a database and applies its migrations. Where that fails, the source is closed.
 *
 * @throws UnsafeDatabaseError, or what a database says that cannot be reached
 */
export async function openDatabase(source: Source, config: Config, log: Logger): Promise<Database> {
  const { connection, description, folders } = source
  const pool = createPool(connection, config.databasePoolSize, log)
  try {
    await checkDatabase(pool, config.allowUnsafeDatabase)
    await migrate(connection, pool)
    if (await noticeOtherCluster(pool))
      log.warn('the database was moved to another cluster: a new epoch began, and clients offer again')
    const space = await FreeSpace.watch(folders, config.minFreeDiskBytes, log)
    const prisma = createClient(pool)
    return {
      connection,
      pool,
      prisma,
      space,
      description,
      async close() {
        space.stop()
        await prisma.$disconnect()
        await leave(pool.end())
        await source.close()
      },
    }
  } catch (error) {
    await leave(pool.end())
    await source.close()
    throw error
  }
}
