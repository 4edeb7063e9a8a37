import { cpSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { POSTGRES_BIN, SCRATCH } from './places.js'
import { run, type Cleanup } from './processes.js'

export const VENV = path.join(SCRATCH, 'venv')
export const FLOOR = path.join(SCRATCH, 'floor')

/** PostgreSQL 15 with pgbench, and what the FastAPI peer's installer looks for. */
async function installDebianPackages(cleanup: Cleanup, names: string[]): Promise<void> {
  console.log(`Installing ${names.join(', ')}.`)
  await run(cleanup, 'apt-get', ['update', '-qq'])
  await run(cleanup, 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** Installs what is missing, and nothing twice. */
export async function installMissing(cleanup: Cleanup, benchDir: string | undefined): Promise<void> {
  const complete = ['postgres', 'initdb', 'psql', 'pgbench'].every((name) =>
    existsSync(path.join(POSTGRES_BIN, name)),
  )
  if (!complete) await installDebianPackages(cleanup, ['postgresql-15', 'postgresql-contrib'])
  if (!benchDir) return
  if (!existsSync(path.join(VENV, 'bin/uvicorn'))) {
    console.log('Installing the FastAPI peer.')
    await run(cleanup, path.join(benchDir, 'peer_fastapi/start.sh'), ['install'], {
      environment: { VENV, PYTHON: '/usr/bin/python3' },
    })
  }
  // A copy: the folder of the peers may be read-only, and Node looks for packages beside the file.
  mkdirSync(FLOOR, { recursive: true })
  for (const name of ['package.json', 'relay.mjs'])
    cpSync(path.join(benchDir, 'floor', name), path.join(FLOOR, name))
  if (existsSync(path.join(FLOOR, 'node_modules/pg'))) return
  console.log('Installing the bare Node peer.')
  await run(cleanup, 'npm', ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock'], {
    folder: FLOOR,
  })
}
