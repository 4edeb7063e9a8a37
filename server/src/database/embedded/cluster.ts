import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, lchownSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SystemAccount } from './account.js'
import type { Binaries } from './binaries.js'
import { makeFolderFor } from './home.js'
import { logFileOf, openLogFile } from './log-file.js'
import { isInUse, isRunning, worksIn } from './processes.js'

export const DATABASE_USER = 'relay'
/** Names the socket's file; nothing listens on TCP. */
export const SOCKET_PORT = 5432

const STOP_TIMEOUT_MS = 60_000
const POLL_MS = 10
/** initdb runs a shell; nothing of the server's own environment goes to the database. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin'

/** What one PostgreSQL of the server's own is made of. */
export interface Cluster {
  readonly binaries: Binaries
  readonly account: SystemAccount | undefined
  readonly home: string
  readonly folder: string
  readonly socketFolder: string
}

function asAccount({ account }: Cluster): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {}
}

// Messages of PostgreSQL name values ("Key (username)=(alice) already exists") and statements: terse, without either.
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  // Two lines every five minutes, for as long as it runs.
  log_checkpoints: 'off',
  // Sixteen processes with ten connections each, and what else there is.
  max_connections: '200',
  // Messages come and go: what they leave is looked for six times as often as by default. After a crash PostgreSQL does
  // not know which pages are free until the next vacuum, and takes new ones.
  autovacuum_naptime: '10s',
}

/** Waits for what other processes do, for a minute at most. */
async function waitUntil(condition: () => boolean): Promise<boolean> {
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (!condition()) {
    if (Date.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

/** Makes the cluster where there is none. An attempt that was cut short leaves nothing that counts as one. */
export async function initialise(cluster: Cluster, password: string): Promise<void> {
  if (existsSync(path.join(cluster.folder, 'PG_VERSION'))) return
  const unfinished = `${cluster.folder}.unfinished`
  // The initdb of a server that was killed goes on without it: it works in the home, its PostgreSQL in the cluster.
  await waitUntil(() => !isInUse(cluster.home) && !isInUse(unfinished))
  const passwordFile = path.join(cluster.home, 'password.unfinished')
  rmSync(passwordFile, { force: true })
  rmSync(unfinished, { recursive: true, force: true, maxRetries: 10 })
  writeFileSync(passwordFile, password, { mode: 0o600, flag: 'wx' })
  if (cluster.account) lchownSync(passwordFile, cluster.account.uid, cluster.account.gid)
  makeFolderFor(cluster.account, unfinished)
  const made = spawnSync(
    path.join(cluster.binaries.folder, 'bin/initdb'),
    [
      '-D',
      unfinished,
      '-U',
      DATABASE_USER,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ],
    {
      ...asAccount(cluster),
      cwd: cluster.home,
      encoding: 'utf8',
      env: { LC_ALL: 'C', PATH: SYSTEM_PATH },
    },
  )
  rmSync(passwordFile, { force: true })
  if (made.status !== 0) throw new Error(`PostgreSQL's initdb failed: ${made.stderr || String(made.error)}`)
  renameSync(unfinished, cluster.folder)
}

/** Refuses a cluster that another major version made: PostgreSQL could not read it. */
export function checkVersion(cluster: Cluster): void {
  const made = readFileSync(path.join(cluster.folder, 'PG_VERSION'), 'utf8').trim()
  const brought = cluster.binaries.version.split('.')[0]
  if (made !== brought)
    throw new Error(
      `The database in ${cluster.folder} was made by PostgreSQL ${made}, and this server brings ${brought}. ` +
        'Dump it with the old version and restore it into a new DATA_DIR, or set DATABASE_URL.',
    )
}

interface PostmasterFile {
  readonly pid: number
  readonly ready: boolean
}

function readPostmasterFile(cluster: Cluster): PostmasterFile | undefined {
  try {
    const lines = readFileSync(path.join(cluster.folder, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' }
  } catch {
    return undefined
  }
}

/**
 * Stops the PostgreSQL of a server that was killed before it could, and clears up after one that was killed itself.
 *
 * @returns whether one was running
 */
export async function stopOrphan(cluster: Cluster): Promise<boolean> {
  const found = readPostmasterFile(cluster)
  const running = found !== undefined && isRunning(found.pid) && worksIn(found.pid, cluster.folder) !== false
  if (running) await stopProcess(found.pid)
  // The processes of a postmaster that was killed notice and end; until then PostgreSQL refuses to start.
  await waitUntil(() => !isInUse(cluster.folder))
  if (isInUse(cluster.folder) === false) removeLocks(cluster)
  return running
}

/**
 * PostgreSQL takes an ended process that nobody reaped for a running one, and its lock files for valid. With no
 * process left in the cluster there is nothing that they could still guard.
 */
function removeLocks(cluster: Cluster): void {
  const socket = path.join(cluster.socketFolder, `.s.PGSQL.${SOCKET_PORT}`)
  for (const file of [path.join(cluster.folder, 'postmaster.pid'), socket, `${socket}.lock`])
    rmSync(file, { force: true })
}

/**
 * Starts PostgreSQL in a session of its own, out of reach of the terminal's Ctrl-C, and waits until it answers.
 *
 * @param own - settings beside those of every start, by PostgreSQL's names
 */
export async function startProcess(
  cluster: Cluster,
  own: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const log = openLogFile(cluster.home)
  const place = { unix_socket_directories: cluster.socketFolder, port: String(SOCKET_PORT) }
  const settings = { ...SETTINGS, ...place, ...own }
  const child = spawn(
    path.join(cluster.binaries.folder, 'bin/postgres'),
    [
      '-D',
      cluster.folder,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    {
      ...asAccount(cluster),
      cwd: cluster.home,
      detached: true,
      stdio: ['ignore', log, log],
      env: { LC_ALL: 'C', PATH: SYSTEM_PATH },
    },
  )
  closeSync(log)
  child.on('error', () => undefined)
  const hasEnded = (): boolean =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  // Recovery after a crash takes as long as it takes; only a process that ended will never be ready.
  while (!isReady(cluster, child) && !hasEnded()) await sleep(POLL_MS)
  if (hasEnded()) throw new Error(`PostgreSQL did not start; ${logFileOf(cluster.home)} says why.`)
  return child
}

function isReady(cluster: Cluster, child: ChildProcess): boolean {
  const file = readPostmasterFile(cluster)
  return file?.pid === child.pid && file?.ready === true
}

/** A fast shutdown: open transactions are rolled back, what was committed is kept. */
export async function stopProcess(pid: number): Promise<void> {
  if (!isRunning(pid)) return
  process.kill(pid, 'SIGINT')
  if (!(await waitUntil(() => !isRunning(pid)))) throw new Error('PostgreSQL did not stop within a minute.')
}
