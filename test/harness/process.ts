import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const MAIN = path.join(REPOSITORY, 'server/dist/main.js')
const START_TIMEOUT_MS = 60_000

/** What a server said and how it ended. */
export interface TestServer {
  /** What it said so far. */
  output(): string
  /** The address that it says it listens on. Throws with its output if it ends before. */
  readonly listening: Promise<string>
  readonly ended: Promise<number | null>
  /** Has it answer what it accepted, and end. */
  stop(): Promise<number | null>
}

/** A server in a process of its own, which says what it says on standard output and error. */
export interface ServerProcess extends TestServer {
  readonly child: ChildProcess
}

export interface SpawnOptions {
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly main?: string
}

/** Runs the server with these settings and no others. */
export function spawnServer(settings: Record<string, string>, options: SpawnOptions = {}): ServerProcess {
  const { main = MAIN, ...rest } = options
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: os.tmpdir(),
    ...rest,
  })
  let said = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const listening = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no start within a minute:\n${said}`)), START_TIMEOUT_MS)
    const hear = (chunk: Buffer): void => {
      said += chunk.toString('utf8')
      const address = /listening on (\S+)\n/.exec(said)?.[1]
      if (address) resolve(address)
      if (address) clearTimeout(timer)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then((code) => {
      clearTimeout(timer)
      reject(new Error(`ended with ${code} before it listened:\n${said}`))
    })
  })
  listening.catch(() => undefined)
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return ended
  }
  return { child, output: () => said, listening, ended, stop }
}

/** That it never started is an end, too. */
export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
}

/** A folder of its own for a test; removed by `remove`. */
export function makeScratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'relay-scratch-'))
  // As a checkout usually is: others may pass, the database's own account among them.
  chmodSync(folder, 0o755)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
