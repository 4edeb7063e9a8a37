import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'

const run = promisify(execFile)
const INSTALL = ['--yes', 'pnpm@12.21.0', 'install', '--frozen-lockfile', '--prefer-offline']

/** A commit whose server has all migrations but the newest. */
function readCommit(): string {
  const file = readFileSync(new URL('previous.json', import.meta.url), 'utf8')
  return z.object({ commit: z.string().regex(/^[0-9a-f]{40}$/) }).parse(JSON.parse(file)).commit
}

/** Names of the migrations that a checkout has, in order. */
export function migrationsOf(checkout: string): string[] {
  return readdirSync(path.join(checkout, 'prisma/migrations'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
}

/**
 * The previous migration's server, out of the project's history, built with the packages of its own lockfile.
 *
 * @returns its checkout
 * @throws where the history lacks its commit, as a shallow clone does
 */
export async function buildPreviousServer(folder: string): Promise<string> {
  const commit = readCommit()
  const checkout = path.join(folder, 'previous')
  const archive = path.join(folder, 'previous.tar')
  mkdirSync(checkout)
  await run('git', ['-C', REPOSITORY, 'archive', '--output', archive, commit]).catch((error: unknown) => {
    throw new Error(`the history has no ${commit}: fetch it whole (git fetch --unshallow)`, { cause: error })
  })
  await run('tar', ['-xf', archive, '-C', checkout])
  const env = { ...process.env, CI: 'true' }
  await run('npx', INSTALL, { cwd: checkout, env })
  await run(process.execPath, ['scripts/build.mjs', 'packages/api', 'server'], { cwd: checkout, env })
  return checkout
}
