import { measure } from '../load/window.js'
import type { Works } from '../load/works.js'
import { median, rounded } from '../numbers.js'
import type { Running } from '../peers/servers.js'
import { Streams } from './listening.js'

const MICROSECONDS = 1e6
const WARM_SECONDS = 3
const COUNTS = [1, 64] as const

export interface Side {
  readonly server: Running
  readonly works: Works
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

interface Setting {
  readonly side: Side
  readonly listened: boolean
}

async function measureOnce(
  { side: { server, works }, listened }: Setting,
  postgresPid: number,
  concurrency: number,
  seconds: number,
): Promise<Cost> {
  const streams = listened ? await Streams.open(server.port, works.tokens) : undefined
  const target = { port: server.port, pid: server.pid, postgresPid }
  const round = await measure(target, concurrency, seconds, works.sends('rest'))
  await streams?.close()
  await works.drain()
  const cores = (round.cpu_server ?? 0) + (round.cpu_postgres ?? 0)
  return { per_s: round.per_s, cpu_us: (MICROSECONDS * cores) / round.per_s }
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

/** Sends with nobody who listens, and with a stream for each recipient, beside a server that tells nobody. In turns. */
export async function measureCosts(
  without: Side,
  withLive: Side,
  postgresPid: number,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Costs[]> {
  // The server without takes as many turns as the other: a table that took more sends is the slower one.
  const settings = [
    { side: without, listened: false },
    { side: withLive, listened: false },
    { side: without, listened: false },
    { side: withLive, listened: true },
  ]
  for (const setting of settings) await measureOnce(setting, postgresPid, 64, WARM_SECONDS)
  const results: Costs[] = []
  for (const concurrency of COUNTS) {
    const series: Cost[][] = settings.map(() => [])
    for (let round = 0; round < rounds; round++)
      for (const [at, setting] of settings.entries())
        series[at]?.push(await measureOnce(setting, postgresPid, concurrency, seconds))
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
