import pino, { type DestinationStream, type Logger } from 'pino'
import { sqlState } from './database/faults.js'
import { LogOutput } from './log-output.js'

const STANDARD_OUTPUT = 1

/** Standard output. A kill -9 takes the last fifth of a second's lines with it, a full disk what it has no room for. */
function openOutput(): DestinationStream {
  const output = new LogOutput(STANDARD_OUTPUT)
  process.once('exit', () => output.flushSync())
  return output
}

/** The process's log. */
export function createLog(level: string, output: DestinationStream = openOutput()): Logger {
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
