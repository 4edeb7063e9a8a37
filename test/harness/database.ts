import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { insertPeople, queryOnce } from './query.js'

async function administer(statement: string): Promise<void> {
  await queryOnce({ connectionString: inject('databaseUrl') }, statement)
}

/** A database of a suite's own, and a look into it behind the servers' backs. */
export class TestDatabase {
  private readonly pool: pg.Pool

  private constructor(
    private readonly name: string,
    readonly url: string,
  ) {
    this.pool = new pg.Pool({ connectionString: url })
    this.pool.on('error', () => undefined)
  }

  static async create(): Promise<TestDatabase> {
    const name = `relay_${randomBytes(6).toString('hex')}`
    const template = inject('templateDatabase') ?? 'template0'
    await administer(`create database ${name} encoding 'UTF8' template ${template}`)
    const url = new URL(inject('databaseUrl'))
    url.pathname = `/${name}`
    return new TestDatabase(name, url.toString())
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows
  }

  /** Ids of people whom nobody registered: a password's hash for each would take long. */
  insertPeople(count: number): Promise<string[]> {
    return insertPeople((text, values) => this.sql(text, values), count)
  }

  /** Ends connections of the servers: those whose application name is like this. */
  async cut(applications: string): Promise<void> {
    await this.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like $1 and datname = current_database()`,
      [applications],
    )
  }

  async drop(): Promise<void> {
    await this.pool.end()
    await administer(`drop database if exists ${this.name} with (force)`)
  }
}
