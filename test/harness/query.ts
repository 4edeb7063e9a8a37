import pg, { type ClientConfig } from 'pg'

/** Asks a database on a connection of its own, which ends with it. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  connection: ClientConfig,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(connection)
  // A database that dies meanwhile fails the question; its event is nobody's.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Asks whichever database it is of. */
type Ask = <Row extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<Row[]>

/** Ids of people whom nobody registered: a password's hash for each would take long. */
export async function insertPeople(ask: Ask, count: number): Promise<string[]> {
  const rows = await ask<{ id: string }>(
    `insert into users (username, password_hash)
      select 'p' || gen_random_uuid(), 'x' from generate_series(1, $1::int) returning id`,
    [count],
  )
  return rows.map(({ id }) => id)
}
