import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { QueryResultRow } from 'pg'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { provideBinaries } from '../../server/dist/database/embedded/binaries.js'
import { makeFolderFor } from '../../server/dist/database/embedded/home.js'
import { keptPort, until } from './ports.js'
import { endOf, makeScratch } from './process.js'
import { queryOnce } from './query.js'

/** A PostgreSQL of a test's own, on a port that it keeps. */
export class PostgresNode {
  private child: ChildProcess | undefined

  constructor(
    private readonly binaries: string,
    readonly folder: string,
    readonly port: number,
  ) {}

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    const log = openSync(`${this.folder}.log`, 'a')
    const child = spawn(path.join(this.binaries, 'bin/postgres'), ['-D', this.folder], {
      ...findUnprivilegedAccount(),
      cwd: this.folder,
      stdio: ['ignore', log, log],
      env: {},
    })
    closeSync(log)
    this.child = child
    const answers = () =>
      this.sql('select').then(
        () => true,
        () => false,
      )
    await until('PostgreSQL', answers, endOf(child))
  }

  /** With `SIGKILL` as in a crash: what it started notices, and ends. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const { ended } = this
    this.child?.kill(signal)
    await ended
  }

  /** Ended, by itself or by a signal. */
  get ended(): Promise<void> {
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    return endOf(child)
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/postgres`
  }

  sql<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { port } = this
    const where = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }
    return queryOnce({ ...where, application_name: 'the test' }, text, values)
  }
}

const SETTINGS = [
  "listen_addresses = '127.0.0.1'",
  "unix_socket_directories = ''",
  "wal_keep_size = '256MB'",
  "wal_retrieve_retry_interval = '100ms'",
]

/** Two PostgreSQLs: a primary, and a standby that follows it. */
export interface Pair {
  readonly primary: PostgresNode
  readonly standby: PostgresNode
  /** Both, the standby first: `?` and other settings may follow. */
  readonly url: string
  remove(): Promise<void>
}

function runOrThrow(command: string, args: string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(command, args, {
    ...findUnprivilegedAccount(),
    cwd,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  })
  if (status !== 0) throw new Error(`${command} failed: ${stderr || String(error)}`)
}

function configure(node: PostgresNode, also: readonly string[]): void {
  const lines = [...SETTINGS, `port = ${node.port}`, ...also]
  writeFileSync(path.join(node.folder, 'postgresql.conf'), `${lines.join('\n')}\n`)
}

/** Makes a cluster that is not started yet. */
export async function makeNode(
  binaries: string,
  folder: string,
  { initdb = [], settings = [] }: { initdb?: readonly string[]; settings?: readonly string[] } = {},
): Promise<PostgresNode> {
  const node = new PostgresNode(binaries, folder, await keptPort())
  const usual = ['-D', folder, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
  runOrThrow(path.join(binaries, 'bin/initdb'), [...usual, ...initdb], path.dirname(folder))
  configure(node, settings)
  return node
}

/** Makes and starts a pair, of the PostgreSQL that the server brings along. */
export async function startPair(): Promise<Pair> {
  const scratch = makeScratch()
  const account = findUnprivilegedAccount()
  const home = makeFolderFor(account, path.join(scratch.folder, 'home'))
  const binaries = provideBinaries(account, home).folder
  const primary = await makeNode(binaries, path.join(home, 'primary'))
  const standby = new PostgresNode(binaries, path.join(home, 'standby'), await keptPort())
  runOrThrow('cp', ['-a', primary.folder, standby.folder], home)
  runOrThrow('touch', [path.join(standby.folder, 'standby.signal')], home)
  configure(standby, [`primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'`])
  await primary.start()
  await standby.start()
  return {
    primary,
    standby,
    url: `postgresql://postgres@127.0.0.1:${standby.port},127.0.0.1:${primary.port}/postgres`,
    async remove() {
      await Promise.all([primary.stop('SIGQUIT'), standby.stop('SIGQUIT')])
      scratch.remove()
    },
  }
}
