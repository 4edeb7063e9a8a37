// Processes that the check of the image starts, and who they run as. For check-image.mjs.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fail } from './recipe.mjs'

const SHOWN_CHARACTERS = 4000

const running = new Set()
let interrupted = false

/** The account that stands for the image's: nobody for root, else whoever runs this. */
export function findAccount() {
  if (process.getuid() !== 0) return {}
  const [, , uid, gid] = /^nobody:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  return uid ? { uid: Number(uid), gid: Number(gid) } : fail('This machine has no account "nobody".')
}

/**
 * Starts a command in a group of its own, so that all of it can be stopped. What it prints is kept, for the case that
 * something fails.
 *
 * @returns `ended` gives the exit code, or the signal's name, or what kept it from starting
 */
export function start(command, args, options) {
  if (interrupted) fail('Interrupted.')
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const started = { child, readOutput: () => output.slice(-SHOWN_CHARACTERS) }
  running.add(started)
  started.ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(code ?? signal))
  }).finally(() => running.delete(started))
  return started
}

export function hasEnded({ child }) {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

export function signalGroup(started, signal) {
  if (!hasEnded(started)) process.kill(-started.child.pid, signal)
}

/** Ctrl-C ends what runs, so that the caller's clean-up comes to its turn. */
export function stopOnSignal() {
  const stop = () => {
    interrupted = true
    for (const started of running) signalGroup(started, 'SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
}
