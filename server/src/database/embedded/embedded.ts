import { randomBytes } from 'node:crypto'
import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ClientConfig } from 'pg'
import { keepOnce } from '../../kept-file.js'
import { findUnprivilegedAccount } from './account.js'
import { provideBinaries } from './binaries.js'
import {
  checkVersion,
  DATABASE_USER,
  initialise,
  SOCKET_PORT,
  startProcess,
  stopOrphan,
  stopProcess,
  type Cluster,
} from './cluster.js'
import { findHome, makeSocketFolder } from './home.js'

const RESTART_PAUSE_MS = 1000

/** A PostgreSQL of the server's own, running. */
export interface EmbeddedPostgres {
  readonly connection: ClientConfig
  /** Where the cluster lives, for the start line. */
  readonly folder: string
  readonly version: string
  /** Where it writes; its log may have been given a disk of its own. */
  readonly diskFolders: readonly string[]
  readonly accountName: string | undefined
  /** The database's process was left by a server that was killed, and was replaced. */
  readonly replacedOrphan: boolean
  stop(): Promise<void>
}

/** Where the parts of a data folder's PostgreSQL are; those that are not there yet are made, but for the cluster. */
export function placeCluster(dataFolder: string): Cluster {
  const account = findUnprivilegedAccount()
  const home = findHome(dataFolder, account)
  return {
    account,
    home,
    binaries: provideBinaries(account, home),
    folder: path.join(home, 'cluster'),
    socketFolder: makeSocketFolder(home, account),
  }
}

/**
 * Starts the PostgreSQL that lives in a data folder, and makes it at the first start. It answers on a Unix socket in
 * a folder of mode 0700, behind a password that the data folder keeps.
 *
 * @param dataFolder - an existing absolute path, locked by the caller
 */
export async function startEmbeddedPostgres(dataFolder: string, log: Logger): Promise<EmbeddedPostgres> {
  const cluster = placeCluster(dataFolder)
  const { account, home } = cluster
  const password = keepOnce(path.join(dataFolder, 'database-password'), () =>
    randomBytes(24).toString('base64url'),
  )
  await initialise(cluster, password)
  checkVersion(cluster)
  const replacedOrphan = await stopOrphan(cluster)
  const supervisor = await supervise(cluster, log)
  return {
    connection: {
      host: cluster.socketFolder,
      port: SOCKET_PORT,
      user: DATABASE_USER,
      password,
      database: 'postgres',
    },
    folder: cluster.folder,
    version: cluster.binaries.version,
    diskFolders: [cluster.folder, path.join(cluster.folder, 'pg_wal')],
    accountName: account?.name,
    replacedOrphan,
    async stop() {
      await supervisor.stop()
      // In the system's temporary folder it would be left over.
      if (!cluster.socketFolder.startsWith(home))
        rmSync(cluster.socketFolder, { recursive: true, force: true })
    },
  }
}

/** Starts PostgreSQL again when it ends without being told to. */
async function supervise(cluster: Cluster, log: Logger): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController()
  let child = await startProcess(cluster)
  let restarting: Promise<void> = Promise.resolve()

  const watch = (): void => {
    const again = (): void => {
      if (!stopping.signal.aborted) restarting = restart()
    }
    if (child.exitCode === null && child.signalCode === null) child.once('exit', again)
    else again()
  }
  const restart = async (): Promise<void> => {
    log.error('the database ended unexpectedly; starting it again')
    while (!stopping.signal.aborted) {
      await sleep(RESTART_PAUSE_MS)
      try {
        await stopOrphan(cluster)
        child = await startProcess(cluster)
        return watch()
      } catch {
        log.error('the database did not start; trying again')
      }
    }
  }
  watch()
  return {
    async stop() {
      stopping.abort()
      await restarting
      if (child.pid !== undefined) await stopProcess(child.pid)
    },
  }
}

/** Makes the data folder, through which the database's account may pass. @returns its path without links */
export function makeDataFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return realpathSync(folder)
}
