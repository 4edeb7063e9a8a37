import { setTimeout as sleep } from 'node:timers/promises'
import type { Round } from '../document/figures.js'
import { percentile, rounded } from '../numbers.js'
import { WARMUP_SECONDS } from '../options.js'
import { cpuSecondsOf, machineCpuSeconds, residentMib } from '../system.js'
import { Connection } from './connection.js'

const MS = 1000
const MICROSECONDS = 1e6

/** One unit of work; throws when anything about it is wrong, which ends the whole run. */
export type Step = () => Promise<void>
export type MakeStep = (worker: number, connection: Connection) => Step

export interface Target {
  readonly port: number
  readonly pid: number
  readonly postgresPid: number
}

interface Use {
  readonly server: number
  readonly postgres: number
  readonly load: number
  readonly machine: number
}

/** Seconds of CPU used so far, by whom. */
function readUse({ pid, postgresPid }: Target): Use {
  const { user, system } = process.cpuUsage()
  return {
    server: cpuSecondsOf(pid),
    postgres: cpuSecondsOf(postgresPid),
    load: (user + system) / MICROSECONDS,
    machine: machineCpuSeconds(),
  }
}

function coresBetween(before: Use, after: Use, seconds: number) {
  const [server, postgres, load, machine] = (['server', 'postgres', 'load', 'machine'] as const).map(
    (who) => (after[who] - before[who]) / seconds,
  )
  const others = (machine ?? 0) - (server ?? 0) - (postgres ?? 0) - (load ?? 0)
  return {
    cpu_server: rounded(server ?? 0),
    cpu_postgres: rounded(postgres ?? 0),
    cpu_load: rounded(load ?? 0),
    cpu_others: rounded(Math.max(0, others)),
  }
}

/** Workers that each do their step again and again; what completes within the window, behind the warm-up, counts. */
export async function measure(
  target: Target,
  concurrency: number,
  seconds: number,
  makeStep: MakeStep,
): Promise<Round> {
  const connections = await Promise.all(
    Array.from({ length: concurrency }, () => Connection.open(target.port)),
  )
  const opens = performance.now() + WARMUP_SECONDS * MS
  const closes = opens + seconds * MS
  const latencies: number[] = []
  const work = async (worker: number, connection: Connection): Promise<void> => {
    const step = makeStep(worker, connection)
    for (let began = performance.now(); began < closes; began = performance.now()) {
      await step()
      const ended = performance.now()
      if (ended >= opens && ended <= closes) latencies.push(ended - began)
    }
  }
  const watch = async () => {
    await sleep(opens - performance.now())
    const before = readUse(target)
    await sleep(closes - performance.now())
    return coresBetween(before, readUse(target), seconds)
  }
  try {
    const [use] = await Promise.all([
      watch(),
      ...connections.map((connection, worker) => work(worker, connection)),
    ])
    return { ...summarise(latencies, seconds), ...use, rss_mib: rounded(residentMib(target.pid).now) }
  } finally {
    for (const connection of connections) connection.close()
  }
}

function summarise(latencies: number[], seconds: number) {
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    per_s: rounded(sorted.length / seconds),
    p50_ms: rounded(percentile(sorted, 0.5)),
    p99_ms: rounded(percentile(sorted, 0.99)),
    max_ms: rounded(sorted.at(-1) ?? 0),
  }
}
