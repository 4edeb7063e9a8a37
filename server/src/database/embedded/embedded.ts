import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import type { Logger } from 'pino'
import type { PoolConfig } from 'pg'
import { keepSecret } from '../../secret.js'
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
  readonly connection: PoolConfig
  /** Where the cluster lives, for the start line. */
  readonly folder: string
  readonly version: string
  readonly accountName: string | undefined
  /** The database's process was left by a server that was killed, and was replaced. */
  readonly replacedOrphan: boolean
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL that lives in a data folder, and makes it at the first start. It answers on a Unix socket in
 * a folder of mode 0700, behind a password that the data folder keeps.
 *
 * @param dataFolder - an existing absolute path, locked by the caller
 */
export async function startEmbeddedPostgres(dataFolder: string, log: Logger): Promise<EmbeddedPostgres> {
  const account = findUnprivilegedAccount()
  const home = findHome(dataFolder, account)
  const cluster: Cluster = {
    account,
    home,
    binaries: provideBinaries(account, home),
    folder: path.join(home, 'cluster'),
    socketFolder: makeSocketFolder(home, account),
  }
  const password = keepSecret(path.join(dataFolder, 'database-password'), () =>
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
    accountName: account?.name,
    replacedOrphan,
    stop: supervisor.stop,
  }
}

/** Starts PostgreSQL again when it ends without being told to. */
async function supervise(cluster: Cluster, log: Logger): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController()
  let child = await startProcess(cluster)
  const watch = (watched: ChildProcess): void => {
    watched.once('exit', () => void (stopping.signal.aborted || restart()))
  }
  const restart = async (): Promise<void> => {
    log.error('the database ended unexpectedly; starting it again')
    while (!stopping.signal.aborted) {
      await sleep(RESTART_PAUSE_MS)
      try {
        child = await startProcess(cluster)
        watch(child)
        if (stopping.signal.aborted && child.pid !== undefined) await stopProcess(child.pid)
        return
      } catch {
        log.error('the database did not start; trying again')
      }
    }
  }
  watch(child)
  return {
    async stop() {
      stopping.abort()
      if (child.pid !== undefined) await stopProcess(child.pid)
    },
  }
}

/** Makes the data folder, which only its owner may enter unless it was there before. */
export function makeDataFolder(folder: string): string {
  const absolute = path.resolve(folder)
  mkdirSync(absolute, { recursive: true, mode: 0o711 })
  return absolute
}
