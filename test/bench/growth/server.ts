import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { REPOSITORY } from '../../harness/process.js'
import { SECRET_KEY } from '../../harness/tokens.js'
import { freePort } from './postgres.js'

/** The real server in a process of its own. */
export interface Server {
  readonly port: number
  stop(): Promise<void>
}

const POLL_MS = 50
const START_TIMEOUT_MS = 60_000

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/ready`)).ok
  } catch {
    return false
  }
}

/**
 * Starts the server as in production, but for HTTPS and the limits; it purges each second.
 *
 * @param logFile - where its output goes: in a pipe it would be this process's work
 */
export async function startServer(databaseUrl: string, logFile: string): Promise<Server> {
  const port = await freePort()
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [path.join(REPOSITORY, 'server/dist/main.js')], {
    cwd: os.tmpdir(),
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      FORCE_HTTPS: 'false',
      HOST: '127.0.0.1',
      PORT: String(port),
      SECRET_KEY,
      DATABASE_URL: databaseUrl,
      LIMITS: 'off',
      PURGE_SCHEDULE: '* * * * * *',
    },
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await isReady(port))) {
    if (Date.now() > deadline || child.exitCode !== null)
      throw new Error(`the server did not start; ${logFile} says why`)
    await sleep(POLL_MS)
  }
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
