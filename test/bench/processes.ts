import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import { LOGS } from './places.js'

const STOP_TIMEOUT_MS = 60_000
const OUTPUT_SHOWN = 2000

/** What must be undone when the run ends, however it ends; the last first. */
export class Cleanup {
  private readonly steps = new Set<() => Promise<void>>()
  private ending: Promise<void> | undefined

  /** @returns does it now, once */
  add(step: () => Promise<void>): () => Promise<void> {
    const once = async (): Promise<void> => {
      if (this.steps.delete(once)) await step()
    }
    this.steps.add(once)
    return once
  }

  /** Everything, once: whoever asks again waits for the same end. */
  run(): Promise<void> {
    this.ending ??= this.undoAll()
    return this.ending
  }

  /** @throws once the end has begun: what starts now would stay */
  refuseIfEnding(): void {
    if (this.ending) throw new Error('the run is over')
  }

  private async undoAll(): Promise<void> {
    for (const step of [...this.steps].toReversed()) await step()
  }
}

/** As shells say it. */
export const INTERRUPTED = 130
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** On a signal everything that was started ends, and then this program does. */
export function endOnSignals(cleanup: Cleanup): void {
  for (const name of SIGNALS)
    process.once(name, () => {
      console.error('Stopping: what was started is ended; no figures were written.')
      process.exitCode = INTERRUPTED
      void cleanup.run().finally(() => process.exit(INTERRUPTED))
    })
}

export interface Started {
  readonly pid: number
  readonly ended: Promise<number | null>
  stop(): Promise<void>
}

interface StartOptions {
  /** The whole environment, but for PATH. */
  readonly environment?: Record<string, string>
  readonly folder?: string
  /** Name of the file in the folder of logs that takes its output. */
  readonly log: string
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  readonly stopSignal?: NodeJS.Signals
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}

/** Starts a process in a group of its own: Ctrl-C reaches this program alone, which ends what it started in order. */
export function start(cleanup: Cleanup, command: string, args: string[], options: StartOptions): Started {
  cleanup.refuseIfEnding()
  const log = openSync(path.join(LOGS, options.log), 'a')
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...options.environment },
    stdio: ['ignore', log, log],
    detached: true,
    ...(options.folder && { cwd: options.folder }),
    ...options.account,
  })
  closeSync(log)
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (code) => resolve(code))
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} could not be started.`)
  const stop = cleanup.add(async () => {
    signal(pid, options.stopSignal ?? 'SIGTERM')
    const timer = setTimeout(() => signal(-pid, 'SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  })
  return { pid, ended, stop }
}

interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv
  readonly folder?: string
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
}

/** Runs a command to its end. @returns its standard output; throws with what it said when it fails */
export async function run(
  cleanup: Cleanup,
  command: string,
  args: string[],
  options: RunOptions = {},
): Promise<string> {
  cleanup.refuseIfEnding()
  const child = spawn(command, args, {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.folder && { cwd: options.folder }),
    ...options.account,
  })
  let output = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      complaints += error.message
      resolve(null)
    })
    child.once('close', (code) => resolve(code))
  })
  const stop = cleanup.add(async () => {
    if (child.pid !== undefined) signal(-child.pid, 'SIGTERM')
    await ended
  })
  const code = await ended
  await stop()
  if (code === 0) return output
  throw new Error(
    `${path.basename(command)} failed:\n${`${output}\n${complaints}`.trim().slice(-OUTPUT_SHOWN)}`,
  )
}
