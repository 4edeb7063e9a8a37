import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  await client.query(statement)
  await client.end()
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
    await administer(`create database ${name} encoding 'UTF8' template template0`)
    const url = new URL(inject('databaseUrl'))
    url.pathname = `/${name}`
    return new TestDatabase(name, url.toString())
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows
  }

  /** Ids of people whom nobody registered: a password's hash for each would take long. */
  async insertPeople(count: number): Promise<string[]> {
    const rows = await this.sql<{ id: string }>(
      `insert into users (username, password_hash)
        select 'p' || gen_random_uuid(), 'x' from generate_series(1, $1::int) returning id`,
      [count],
    )
    return rows.map(({ id }) => id)
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
