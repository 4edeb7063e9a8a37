import type { QueryResultRow } from 'pg'
import { DatabaseLink } from '../harness/database-link.js'
import { freePort } from '../harness/ports.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { insertPeople, queryOnce } from '../harness/query.js'
import { SECRET_KEY } from '../harness/tokens.js'
import { CommitCutter } from './commit-cutter.js'
import { FaultyPostgres } from './postgres.js'

const INSTANCES = 2

export interface WorldOptions {
  /** What is run, if not the server as it is. */
  readonly program?: string | undefined
  /** How long instances are given the same at once. */
  readonly rivalrySeconds: number
  /** Beyond those that every world has. */
  readonly settings?: Readonly<Record<string, string>>
  /** Of PostgreSQL, beside those that every world has. */
  readonly postgres?: Readonly<Record<string, string>>
}

/** Two instances on one database that each can be hurt, and their ways to it. */
export class World {
  kills = 0
  private readonly servers = new Map<number, ServerProcess>()
  private readonly ended: ServerProcess[] = []
  private constructor(
    readonly postgres: FaultyPostgres,
    readonly link: DatabaseLink,
    readonly cutter: CommitCutter,
    readonly ports: readonly number[],
    private readonly options: WorldOptions,
  ) {}

  static async build(options: WorldOptions): Promise<World> {
    const postgres = await FaultyPostgres.start(options.postgres)
    const cutter = new CommitCutter()
    const link = await DatabaseLink.open(postgres.url, cutter)
    const ports = await Promise.all(Array.from({ length: INSTANCES }, freePort))
    const world = new World(postgres, link, cutter, ports, options)
    for (const port of ports) await world.startServer(port)
    return world
  }

  get bases(): string[] {
    return this.ports.map((port) => `http://127.0.0.1:${port}`)
  }

  get databaseUrl(): string {
    return this.postgres.url
  }

  get rivalrySeconds(): number {
    return this.options.rivalrySeconds
  }

  async startServer(port: number): Promise<void> {
    const settings = {
      SECRET_KEY,
      DATABASE_URL: this.link.url,
      PORT: String(port),
      LIMITS: 'off',
      LOG_LEVEL: 'debug',
      ...this.options.settings,
    }
    const { program } = this.options
    const server = spawnServer(settings, program === undefined ? {} : { main: program })
    this.servers.set(port, server)
    await server.listening
  }

  async killServer(port: number): Promise<void> {
    const server = this.servers.get(port)
    server?.child.kill('SIGKILL')
    await server?.ended
    this.kills += 1
    if (server) this.ended.push(server)
  }

  /** What the instances wrote down, whatever became of them. What a start tells the person who started it is no log. */
  *logs(): Iterable<string> {
    for (const { output } of [...this.ended, ...this.servers.values()])
      yield output().replace(/Secure Messenger relay is listening[^]*?Ctrl-C ends it\.\n/, '')
  }

  /** Instances that ended though nobody ended them. */
  get fallen(): number {
    return [...this.servers.values()].filter(({ child }) => child.exitCode !== null).length
  }

  /** Behind the servers' backs. */
  sql<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return queryOnce({ connectionString: this.databaseUrl }, text, values)
  }

  makePeople(count: number): Promise<string[]> {
    return insertPeople((text, values) => this.sql(text, values), count)
  }

  async remove(): Promise<void> {
    this.link.allow()
    for (const server of this.servers.values()) server.child.kill('SIGTERM')
    await Promise.all([...this.servers.values()].map(({ ended }) => ended))
    await this.link.close()
    await this.postgres.remove()
  }
}
