import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import startPostgres from '../harness/global-setup.js'
import { REPOSITORY } from '../harness/process.js'
import { queryOnce } from '../harness/query.js'

const MIGRATE = path.join(REPOSITORY, 'server/dist/migrate.js')

/** A PostgreSQL, and on it a migrated database that the suites' own are copies of: to migrate each would take longest. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stopPostgres = await startPostgres(project)
  const administration = { connectionString: project.getProvidedContext().databaseUrl }
  const template = `relay_template_${randomBytes(6).toString('hex')}`
  await queryOnce(administration, `create database ${template} encoding 'UTF8' template template0`)
  const url = new URL(administration.connectionString)
  url.pathname = `/${template}`
  await promisify(execFile)(process.execPath, [MIGRATE], {
    env: { DATABASE_URL: url.toString(), ALLOW_UNSAFE_DATABASE: 'true' },
  })
  project.provide('templateDatabase', template)
  return async () => {
    await queryOnce(administration, `drop database ${template}`)
    await stopPostgres?.()
  }
}
