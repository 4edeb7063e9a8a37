import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../server/dist/database/embedded/embedded.js'
import { createLog } from '../../server/dist/log.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database on the server that every suite makes its own databases on. */
    databaseUrl: string
    /** What the suites' databases are copies of; an empty one where nothing is provided. */
    templateDatabase?: string
  }
}

/** TEST_DATABASE_URL names a server to test on; without it, one of the embedded kind serves this run. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) {
    project.provide('databaseUrl', given)
    return undefined
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'relay-test-'))
  chmodSync(folder, 0o711)
  const postgres = await startEmbeddedPostgres(folder, createLog('silent'))
  const { user, password, host } = postgres.connection
  const socket = encodeURIComponent(String(host))
  project.provide('databaseUrl', `postgresql://${user}:${String(password)}@localhost/postgres?host=${socket}`)
  return async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
