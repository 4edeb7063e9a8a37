import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { freePort } from '../harness/ports.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import type { Person } from './conversation.js'

/** Instances on one database of their own, each on a port that it keeps when it is started again. */
export class Instances {
  private readonly running = new Map<number, ServerProcess>()

  private constructor(
    readonly databaseUrl: string,
    private readonly name: string,
    readonly ports: readonly number[],
    private readonly settings: Record<string, string>,
  ) {}

  static async start(count: number, settings: Record<string, string>): Promise<Instances> {
    const name = `cluster_${randomBytes(6).toString('hex')}`
    const url = new URL(inject('databaseUrl'))
    url.pathname = `/${name}`
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    const instances = new Instances(url.toString(), name, ports, settings)
    await instances.administer(`create database ${name} encoding 'UTF8' template template0`)
    for (const port of ports) await instances.run(port)
    return instances
  }

  async run(port: number): Promise<void> {
    const server = spawnServer({
      SECRET_KEY,
      DATABASE_URL: this.databaseUrl,
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ...this.settings,
    })
    this.running.set(port, server)
    await server.listening
  }

  /** @returns its exit code */
  async end(port: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const server = this.running.get(port)
    this.running.delete(port)
    server?.child.kill(signal)
    return server ? server.ended : null
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.keys()].map((port) => this.end(port, 'SIGTERM')))
    await this.administer(`drop database if exists ${this.name} with (force)`)
  }

  /** People whom nobody registered, to spare their passwords' hashes. */
  async makePeople(count: number): Promise<Person[]> {
    const rows = await this.ask<{ id: string }>(
      `insert into users (username, password_hash)
        select 'p' || gen_random_uuid(), 'x' from generate_series(1, ${count}) returning id`,
    )
    return rows.map(({ id }) => ({ id, token: tokenFor(id) }))
  }

  /** Ends every connection of every instance. */
  async cutDatabase(): Promise<void> {
    await this.ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'secure-messenger%' and datname = current_database()`,
    )
  }

  async ask<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl })
    await client.connect()
    const { rows } = await client.query<Row>(text)
    await client.end()
    return rows
  }

  private async administer(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: inject('databaseUrl') })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
}
