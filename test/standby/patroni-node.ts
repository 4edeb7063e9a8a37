import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { QueryResultRow } from 'pg'
import { stringify } from 'yaml'
import { z } from 'zod'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { request } from '../harness/http.js'
import { endOf } from '../harness/process.js'
import { queryOnce } from '../harness/query.js'

const BIN = '/usr/lib/postgresql/15/bin'
const member = z.object({ name: z.string(), role: z.string(), state: z.string() })

/** Starts a program under an account that PostgreSQL accepts, its output in a file. */
export function startProgram(command: string, args: string[], log: string): ChildProcess {
  const output = openSync(log, 'a')
  const child = spawn(command, args, {
    ...findUnprivilegedAccount(),
    cwd: path.dirname(log),
    stdio: ['ignore', output, output],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  })
  closeSync(output)
  return child
}

interface Ports {
  readonly postgres: number
  readonly rest: number
  readonly etcd: number
}

const STOP_TIMEOUT_MS = 20_000
/** Seconds: a leader that is silent for `ttl` is replaced. */
const TIMES = { ttl: 10, loop_wait: 1, retry_timeout: 3 }

function configurationOf(name: string, folder: string, ports: Ports): unknown {
  const trusted = { username: 'postgres', password: 'unused' }
  return {
    scope: 'relay',
    name,
    restapi: { listen: `127.0.0.1:${ports.rest}`, connect_address: `127.0.0.1:${ports.rest}` },
    etcd3: { host: `127.0.0.1:${ports.etcd}` },
    bootstrap: {
      dcs: {
        ...TIMES,
        synchronous_mode: true,
        failsafe_mode: true,
        postgresql: { parameters: { max_connections: 100 } },
      },
      initdb: [{ auth: 'trust' }, { encoding: 'UTF8' }, { locale: 'C.UTF-8' }],
    },
    postgresql: {
      listen: `127.0.0.1:${ports.postgres}`,
      connect_address: `127.0.0.1:${ports.postgres}`,
      data_dir: path.join(folder, name),
      bin_dir: BIN,
      pgpass: path.join(folder, `${name}.pgpass`),
      authentication: { superuser: trusted, replication: trusted },
      parameters: { unix_socket_directories: folder },
      pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
    },
  }
}

/** One node of the cluster: a Patroni and its PostgreSQL. */
export class PatroniNode {
  private child: ChildProcess | undefined

  constructor(
    readonly name: string,
    private readonly folder: string,
    readonly ports: Ports,
  ) {}

  start(): void {
    const file = path.join(this.folder, `${this.name}.yml`)
    writeFileSync(file, stringify(configurationOf(this.name, this.folder, this.ports)), { mode: 0o644 })
    this.child = startProgram('patroni', [file], path.join(this.folder, `${this.name}.log`))
  }

  get ended(): Promise<void> {
    return this.child ? endOf(this.child) : Promise.resolve()
  }

  /** The roles of all nodes as this one sees them: `leader`, `sync_standby` or `replica`. */
  async roles(): Promise<Record<string, string>> {
    const { json } = await request(`http://127.0.0.1:${this.ports.rest}`, 'GET', '/cluster')
    const { members } = z.object({ members: z.array(member) }).parse(json)
    return Object.fromEntries(members.map(({ name, role, state }) => [name, `${role} ${state}`]))
  }

  sql<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { postgres: port } = this.ports
    return queryOnce({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }, text, values)
  }

  /** Both at once, as when the machine dies. */
  async kill(): Promise<void> {
    const { child, ended } = this
    const postmaster = this.readPostmaster()
    child?.kill('SIGKILL')
    if (postmaster !== undefined) process.kill(postmaster, 'SIGKILL')
    await ended
    this.child = undefined
  }

  /** Patroni stops its PostgreSQL; where it cannot, both are killed. */
  async stop(): Promise<void> {
    const { child, ended } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const late = setTimeout(() => void this.kill(), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(late)
  }

  /** What it says of itself, for a person who looks at a failure. */
  complaints(): string {
    return readFileSync(path.join(this.folder, `${this.name}.log`), 'utf8')
  }

  private readPostmaster(): number | undefined {
    const [pid] = readFileSync(path.join(this.folder, this.name, 'postmaster.pid'), 'utf8').split('\n')
    return pid === undefined ? undefined : Number(pid)
  }
}
