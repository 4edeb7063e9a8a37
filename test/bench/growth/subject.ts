import { SECRET_KEY } from '../../harness/tokens.js'
import { freePort } from '../../harness/ports.js'
import type { Cluster } from '../cluster.js'
import { startRelay, untilReady } from '../peers/servers.js'
import type { Cleanup } from '../processes.js'
import { openTable, seed } from './table.js'
import { createSubject, type Subject } from './works.js'

const EACH_SECOND = '* * * * * *'

export interface Content {
  readonly users: number
  readonly rows: number
  readonly delivered: boolean
}

/** Starts the server on a database and fills its tables. */
export async function openSubject(
  cleanup: Cleanup,
  cluster: Cluster,
  name: string,
  { users, rows, delivered }: Content,
): Promise<Subject> {
  const databaseUrl = cluster.url(name)
  const port = await freePort()
  const settings = { DATABASE_URL: databaseUrl, SECRET_KEY, PURGE_SCHEDULE: EACH_SECOND }
  const server = { ...startRelay(cleanup, port, settings), port }
  await untilReady(port, server)
  const table = openTable(databaseUrl, users)
  cleanup.add(() => table.close())
  await seed(table, rows, delivered)
  return createSubject(table, server)
}
