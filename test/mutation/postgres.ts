import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../../server/dist/database/embedded/embedded.js'
import { createLog } from '../../server/dist/log.js'
import { queryOnce } from '../harness/query.js'

/** Nothing on it is worth keeping. */
const HASTE = ['fsync', 'full_page_writes', 'synchronous_commit']

/** A PostgreSQL for thousands of short runs: it waits for no disk. */
export async function startHastyPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'relay-mutation-'))
  chmodSync(folder, 0o711)
  const postgres = await startEmbeddedPostgres(folder, createLog('silent'))
  const { user, password, host } = postgres.connection
  const socket = encodeURIComponent(String(host))
  const url = `postgresql://${user}:${String(password)}@localhost/postgres?host=${socket}`
  for (const setting of HASTE) await queryOnce({ connectionString: url }, `alter system set ${setting} = off`)
  await queryOnce({ connectionString: url }, 'select pg_reload_conf()')
  return {
    url,
    async stop() {
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
