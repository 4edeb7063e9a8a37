import { measure } from '../load/window.js'
import type { Works } from '../load/works.js'
import { median, rounded } from '../numbers.js'
import type { Running } from '../peers/servers.js'
import { Streams } from './listening.js'

const MICROSECONDS = 1e6
const WARM_SECONDS = 3
const COUNTS = [1, 64] as const

export interface Subject {
  readonly server: Running
  readonly works: Works
  readonly postgresPid: number
}

/** Processor time of server and PostgreSQL a send, and sends a second; medians. */
interface Cost {
  readonly per_s: number
  readonly cpu_us: number
}

export interface Costs {
  readonly concurrency: number
  readonly without: Cost
  readonly nobody: Cost
  readonly listened: Cost
  /** Within each round, to the server without; medians. */
  readonly ratio_nobody: number
  readonly ratio_listened: number
}

const SETTINGS = ['without', 'nobody', 'without', 'listened'] as const
type Setting = (typeof SETTINGS)[number]

/** A server whose live delivery can be turned off and on (`switched.mjs`). */
class Switched {
  private on = true

  constructor(private readonly subject: Subject) {}

  async measure(setting: Setting, concurrency: number, seconds: number): Promise<Cost> {
    const { server, works, postgresPid } = this.subject
    this.turn(setting !== 'without')
    const streams = setting === 'listened' ? await Streams.open(server.port, works.tokens) : undefined
    const target = { port: server.port, pid: server.pid, postgresPid }
    const round = await measure(target, concurrency, seconds, works.sends('rest'))
    await streams?.close()
    await works.drain()
    const cores = (round.cpu_server ?? 0) + (round.cpu_postgres ?? 0)
    return { per_s: round.per_s, cpu_us: (MICROSECONDS * cores) / round.per_s }
  }

  private turn(on: boolean): void {
    if (on !== this.on) process.kill(this.subject.server.pid, 'SIGUSR2')
    this.on = on
  }
}

function summarise(costs: readonly Cost[]): Cost {
  return {
    per_s: rounded(median(costs.map(({ per_s }) => per_s))),
    cpu_us: rounded(median(costs.map(({ cpu_us }) => cpu_us))),
  }
}

function ratio(costs: readonly Cost[], to: readonly Cost[]): number {
  return rounded(median(costs.map(({ cpu_us }, at) => cpu_us / (to[at]?.cpu_us ?? Number.NaN))))
}

/**
 * Sends with nobody who listens, and with a stream for each recipient, each beside sends of which nobody is told. In
 * turns on one server, and every other round the other way round: a table that took more sends is the slower one.
 */
export async function measureCosts(
  subject: Subject,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Costs[]> {
  const switched = new Switched(subject)
  for (const setting of SETTINGS) await switched.measure(setting, 64, WARM_SECONDS)
  const results: Costs[] = []
  for (const concurrency of COUNTS) {
    const series: Cost[][] = SETTINGS.map(() => [])
    for (let round = 0; round < rounds; round++) {
      const turns = [...SETTINGS.entries()]
      for (const [at, setting] of round % 2 === 0 ? turns : turns.toReversed())
        series[at]?.push(await switched.measure(setting, concurrency, seconds))
    }
    const [before = [], nobody = [], between = [], listened = []] = series
    results.push({
      concurrency,
      without: summarise([...before, ...between]),
      nobody: summarise(nobody),
      listened: summarise(listened),
      ratio_nobody: ratio(nobody, before),
      ratio_listened: ratio(listened, between),
    })
  }
  return results
}
