import { spawn, spawnSync } from 'node:child_process'
import { chownSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findUnprivilegedAccount } from '../../../server/dist/database/embedded/account.js'

/** A PostgreSQL of the measurement's own, with the settings that it is packaged with. */
export interface Postgres {
  urlOf(database: string): string
  stop(): Promise<void>
}

const POLL_MS = 100
const START_TIMEOUT_MS = 60_000

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Starts the PostgreSQL that lives in a folder, and makes it at the first start. pg_stat_statements is loaded, to
 * know how long the purge's statements took.
 *
 * @param binaries - the folder of `initdb` and `postgres`
 */
export async function startPostgres(folder: string, binaries: string): Promise<Postgres> {
  const account = findUnprivilegedAccount()
  const as = account ? { uid: account.uid, gid: account.gid } : {}
  const data = path.join(folder, 'postgresql')
  mkdirSync(data, { recursive: true })
  if (account) chownSync(data, account.uid, account.gid)
  const options = { ...as, cwd: data, env: { LC_ALL: 'C', PATH: process.env['PATH'] } }
  if (!existsSync(path.join(data, 'PG_VERSION'))) {
    const settings = ['-D', data, '-U', 'relay', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
    const made = spawnSync(path.join(binaries, 'initdb'), settings, { ...options, encoding: 'utf8' })
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || String(made.error)}`)
  }
  const port = await freePort()
  const log = openSync(path.join(folder, 'postgresql.log'), 'a')
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements',
  }
  const child = spawn(
    path.join(binaries, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...options, detached: true, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.on('error', () => undefined)
  const urlOf = (database: string): string => `postgresql://relay@127.0.0.1:${port}/${database}`
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await answers(urlOf('postgres')))) {
    if (Date.now() > deadline || child.exitCode !== null || child.pid === undefined)
      throw new Error(`PostgreSQL did not start; postgresql.log in ${folder} says why`)
    await sleep(POLL_MS)
  }
  return {
    urlOf,
    async stop() {
      child.kill('SIGINT')
      await ended
    },
  }
}
