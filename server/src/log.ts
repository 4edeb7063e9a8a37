import pino, { type Logger } from 'pino'
import { sqlState } from './database/faults.js'

/** A write for each line cost a send a tenth of its time. */
const BUFFER_BYTES = 3072
/** What is no longer arrives in one piece, also in a pipe that several processes write into (PIPE_BUF of Linux). */
const MAX_WRITE_BYTES = 4096
const FLUSH_INTERVAL_MS = 200

/** The process's log, on standard output. Only a kill -9 can take lines with it, the last fifth of a second's. */
export function createLog(level: string): Logger {
  const output = pino.destination({
    dest: 1,
    minLength: BUFFER_BYTES,
    maxWrite: MAX_WRITE_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
  })
  process.once('exit', () => output.flushSync())
  return pino({ level, base: null }, output)
}

const MAX_FRAMES = 8

/**
 * What a log may say of something thrown: its kind, its SQLSTATE and where it came from. Never its message, which
 * may quote a value, a statement or a host.
 */
export function describeFault(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { fault: typeof thrown }
  const { stack = '', message } = thrown
  // The stack begins with the message, which may hold anything, line breaks too.
  const frames = stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
  const state = sqlState(thrown)
  return {
    fault: thrown.name,
    ...(state && { sqlstate: state }),
    frames: frames.slice(0, MAX_FRAMES).map((line) => line.trim()),
  }
}
