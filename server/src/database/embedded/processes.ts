import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'

/** A line of the process table (proc(5)), as far as the system keeps one there. */
interface ProcessEntry {
  readonly state: string
  /** In clock ticks since boot: tells a process from a later one that got the same number. */
  readonly startedAt: string
}

function readEntry(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name, in parentheses, may hold anything; the fields behind it are numbered from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' }
  } catch {
    return undefined
  }
}

/** Whether a process runs. One that ended and that nobody has reaped (a container without an init) does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return !['Z', 'X'].includes(readEntry(pid)?.state ?? '')
}

/** When a process started, in a form that only compares; empty where the system does not say. */
export function startOf(pid: number): string {
  return readEntry(pid)?.startedAt ?? ''
}

/**
 * Whether a process works in a folder, as each of PostgreSQL's does in its cluster.
 *
 * @param folder - without symbolic links
 * @returns undefined where the system does not say
 */
export function worksIn(pid: number, folder: string): boolean | undefined {
  if (!existsSync('/proc/self/cwd')) return undefined
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder && isRunning(pid)
  } catch {
    return false
  }
}

/**
 * Whether any process works in a folder.
 *
 * @returns undefined where the system does not say
 */
export function isInUse(folder: string): boolean | undefined {
  if (!existsSync('/proc/self/cwd')) return undefined
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && worksIn(Number(name), folder))
}

/** Names the set of process ids that this process lives in: a container has one of its own. */
export function processNamespace(): string {
  try {
    return `${os.hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return os.hostname()
  }
}
