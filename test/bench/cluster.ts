import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { freePort, until } from '../harness/ports.js'
import { POSTGRES_BIN, SCRATCH } from './places.js'
import { run, start, type Cleanup, type Started } from './processes.js'

const TMPFS = 0x01021994

/** A PostgreSQL 15 of this run's own, with its settings as packaged. */
export interface Cluster {
  readonly pid: number
  readonly port: number
  readonly version: string
  /** As the owner of the peers' databases. */
  url(database: string): string
  /** Runs a file of statements as PostgreSQL's superuser. */
  runFile(database: string, file: string): Promise<void>
  runText(database: string, text: string): Promise<string>
}

export const OWNER = 'bench'

function findPostgresAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  if (!uid || !gid)
    throw new Error('PostgreSQL does not run as root, and there is no account named postgres.')
  return { uid: Number(uid), gid: Number(gid) }
}

/** On disk, in a folder that the account can enter: its own home as root, as an ordinary user this checkout. */
function makeFolder(cleanup: Cleanup, account: { uid: number; gid: number } | undefined): string {
  const parent = account ? '/var/lib/postgresql' : SCRATCH
  mkdirSync(parent, { recursive: true })
  if (statfsSync(parent).type === TMPFS)
    throw new Error('The folder for PostgreSQL is in memory: a flush would cost nothing there.')
  const folder = mkdtempSync(path.join(parent, 'relay-bench-'))
  cleanup.add(async () => rmSync(folder, { recursive: true, force: true }))
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

function waitUntilReady(cleanup: Cleanup, port: number, server: Started): Promise<void> {
  const ask = (): Promise<boolean> =>
    run(cleanup, path.join(POSTGRES_BIN, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).then(
      () => true,
      () => false,
    )
  return until('PostgreSQL', ask, server.ended)
}

/** @param settings - beyond those that it is packaged with */
export async function startCluster(
  cleanup: Cleanup,
  databases: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Cluster> {
  const account = findPostgresAccount()
  const folder = makeFolder(cleanup, account)
  const initdb = ['-D', folder, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
  await run(cleanup, path.join(POSTGRES_BIN, 'initdb'), initdb, { account, folder })
  const port = await freePort()
  // Only where it is found: everything else is the default, fsync and full_page_writes among it.
  const place = ['-D', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', folder]
  const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = start(cleanup, path.join(POSTGRES_BIN, 'postgres'), [...place, ...set], {
    account,
    folder,
    log: 'postgres.log',
    stopSignal: 'SIGINT',
  })
  await waitUntilReady(cleanup, port, server)
  const plain = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1']
  const where = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']
  const psql = (database: string, args: string[]): Promise<string> =>
    run(cleanup, path.join(POSTGRES_BIN, 'psql'), [...plain, ...where, '-d', database, ...args])
  const runText = (database: string, text: string): Promise<string> => psql(database, ['-c', text])
  await runText('postgres', `create role ${OWNER} login password '${OWNER}'`)
  for (const name of databases) await runText('postgres', `create database ${name} owner ${OWNER}`)
  return {
    pid: server.pid,
    port,
    version: (await runText('postgres', 'show server_version')).trim(),
    url: (database) => `postgresql://${OWNER}:${OWNER}@127.0.0.1:${port}/${database}`,
    runFile: async (database, file) => void (await psql(database, ['-f', file])),
    runText,
  }
}
