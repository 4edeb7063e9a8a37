import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100
const KIB_PER_MIB = 1024

interface Entry {
  readonly parent: number
  readonly cpuSeconds: number
}

/** A file of /proc; undefined once its process is gone. */
function readProc(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'utf8')
  } catch {
    return undefined
  }
}

function readEntry(pid: number): Entry | undefined {
  const text = readProc(`${pid}/stat`)
  if (text === undefined) return undefined
  // Behind the name, which may hold anything: state, parent, ...; user and system time, its own and of children it reaped.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0)
  return { parent: fields[1] ?? 0, cpuSeconds: ticks / TICKS_PER_SECOND }
}

/** The process and all below it. */
function treeOf(root: number): Map<number, Entry> {
  const all = new Map<number, Entry>()
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : undefined
    if (entry) all.set(Number(name), entry)
  }
  const belongs = (pid: number): boolean => {
    for (let at = pid; at > 0; at = all.get(at)?.parent ?? 0) if (at === root) return true
    return false
  }
  return new Map([...all].filter(([pid]) => belongs(pid)))
}

/** Seconds of CPU that a process and all below it have used. */
export function cpuSecondsOf(root: number): number {
  return [...treeOf(root).values()].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
}

/** Seconds of CPU that the whole machine has used, what its host took away included. */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = (
    readProc('stat')?.split('\n')[0] ?? ''
  )
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + interrupts + soft + stolen) / TICKS_PER_SECOND
}

/** Resident memory of one process, MiB: now, and the most that the kernel saw. */
export function residentMib(pid: number): { readonly now: number; readonly peak: number } {
  const status = readProc(`${pid}/status`) ?? ''
  const mib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / KIB_PER_MIB
  return { now: mib('VmRSS'), peak: mib('VmHWM') }
}
