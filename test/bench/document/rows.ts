import { median, spreadOf, type Spread } from '../numbers.js'
import type { Peer } from '../options.js'
import type { Figures, Round, Work } from './figures.js'

const MIB_IN_MB = 2 ** 20 / 1e6
const MS = 1000

/** A line of what is to be reached. */
export interface Row {
  readonly work: string
  /** What the measured figure is. */
  readonly unit: string
  /** More is better, or less is. */
  readonly better: 'more' | 'less'
  readonly target: number
  readonly goal?: number
  /** A goal that is not a figure of the same kind, with its own measured ratio to 1. */
  readonly otherGoal?: { readonly text: string; readonly measured: Spread | undefined }
  readonly measured: Spread | undefined
  /** Ratios to FastAPI of the others at the same work. */
  readonly others: Partial<Record<Peer, Spread>>
}

export type Reached = 'goal' | 'target' | 'no' | 'not run'

function roundsOf(figures: Figures, peer: Peer, work: Work, concurrency: number): readonly Round[] {
  const found = figures.throughput?.points.find(
    (point) => point.peer === peer && point.work === work && point.concurrency === concurrency,
  )
  return found?.rounds ?? []
}

/** Ours by theirs, each round by itself: what took turns is compared, and nothing else. */
function dividePairs(ours: readonly number[], theirs: readonly number[]): Spread | undefined {
  const ratios = ours.flatMap((value, at) => {
    const other = theirs[at]
    return other ? [value / other] : []
  })
  return spreadOf(ratios)
}

type Field = 'per_s' | 'p99_ms'

class Comparison {
  constructor(
    private readonly figures: Figures,
    private readonly work: Work,
    private readonly concurrency: number,
    private readonly field: Field = 'per_s',
  ) {}

  ratio(peer: Peer, to: Peer): Spread | undefined {
    return dividePairs(this.values(peer), this.values(to))
  }

  others(): Partial<Record<Peer, Spread>> {
    const found: Partial<Record<Peer, Spread>> = {}
    for (const peer of ['fastapi-lean', 'node-pg-batch', 'pgbench'] as const) {
      const ratio = this.ratio(peer, 'fastapi')
      if (ratio) found[peer] = ratio
    }
    return found
  }

  private values(peer: Peer): number[] {
    return roundsOf(this.figures, peer, this.work, this.concurrency).map((round) => round[this.field])
  }
}

interface Against {
  readonly label: string
  readonly work: Work
  readonly concurrency: number
  readonly target: number
  readonly goal?: number
}

const AGAINST_FASTAPI: readonly Against[] = [
  { label: '`POST /messages`, 1 KiB, 64 at once', work: 'send', concurrency: 64, target: 10 },
  { label: '`POST /messages`, 1 KiB, 16 at once', work: 'send', concurrency: 16, target: 8, goal: 11 },
  { label: '`POST /messages`, 1 KiB, 1 sender', work: 'send', concurrency: 1, target: 2, goal: 3 },
  { label: 'send, list, confirm, 16 at once', work: 'relay cycle', concurrency: 16, target: 5, goal: 8 },
  {
    label: '`GET /messages`, 50 waiting, 16 at once',
    work: 'list 50',
    concurrency: 16,
    target: 3,
    goal: 4.9,
  },
  { label: '`GET /public-key`, 16 at once', work: 'public key', concurrency: 16, target: 8, goal: 15 },
]

function againstFastApi(figures: Figures): Row[] {
  return AGAINST_FASTAPI.map(({ label, work, concurrency, target, goal }) => {
    const comparison = new Comparison(figures, work, concurrency)
    const row = {
      work: label,
      unit: '× FastAPI',
      better: 'more',
      target,
      measured: comparison.ratio('relay', 'fastapi'),
      others: comparison.others(),
    } as const
    if (goal !== undefined) return { ...row, goal }
    const text = "pgbench's single-row insert at 64, or more"
    return { ...row, otherGoal: { text, measured: comparison.ratio('relay', 'pgbench') } }
  })
}

function meInStorm(figures: Figures): Row {
  const comparison = new Comparison(figures, 'me during 8 logins', 1, 'p99_ms')
  const measured = comparison.ratio('relay', 'fastapi')
  const work = '`GET /me`, p99 while 8 log in'
  return { work, unit: "× FastAPI's p99", better: 'less', target: 0.25, goal: 0.125, measured, others: {} }
}

function overRpc({ rpc }: Figures): Row[] {
  return [64, 16, 1].map((concurrency) => {
    const point = rpc?.points.find((candidate) => candidate.concurrency === concurrency)
    const measured = point && dividePairs(point.rpc_per_s, point.rest_per_s)
    const work = `the same sends over tRPC, single calls, ${concurrency} at once`
    return { work, unit: '× REST', better: 'more', target: 0.9, measured, others: {} }
  })
}

function logins({ bcrypt }: Figures): Row {
  const measured = spreadOf(
    (bcrypt?.rounds ?? []).map(
      ({ logins_per_s, hash_ms }) => logins_per_s / ((bcrypt?.cores ?? 1) / (hash_ms / MS)),
    ),
  )
  const unit = "× bcrypt's limit (cores ÷ time of one hash)"
  return { work: 'logins, 8 at once', unit, better: 'more', target: 0.9, goal: 0.95, measured, others: {} }
}

function ofOneProcess({ memory, start }: Figures): Row[] {
  const megabytes = spreadOf((memory?.rounds ?? []).map(({ peak_mib }) => peak_mib * MIB_IN_MB))
  const seconds = spreadOf((start?.warm_ms ?? []).map((ms) => ms / MS))
  return [
    {
      work: 'resident memory of the process, its peak',
      unit: 'MB',
      better: 'less',
      target: 200,
      goal: 150,
      measured: megabytes,
      others: {},
    },
    {
      work: 'start to ready, warm, own PostgreSQL',
      unit: 's',
      better: 'less',
      target: 2,
      goal: 1,
      measured: seconds,
      others: {},
    },
  ]
}

export function rowsOf(figures: Figures): Row[] {
  return [
    ...againstFastApi(figures),
    ...overRpc(figures),
    logins(figures),
    meInStorm(figures),
    ...ofOneProcess(figures),
  ]
}

/** Judged by the median. */
export function reached({ measured, better, target, goal, otherGoal }: Row): Reached {
  if (!measured) return 'not run'
  const meets = (value: number, limit: number): boolean =>
    better === 'more' ? value >= limit : value <= limit
  if (!meets(measured.median, target)) return 'no'
  if (otherGoal) return otherGoal.measured && otherGoal.measured.median >= 1 ? 'goal' : 'target'
  return goal !== undefined && meets(measured.median, goal) ? 'goal' : 'target'
}

/** Median over rounds of one field; undefined where it was not measured. */
export function medianOf(rounds: readonly Round[], field: keyof Round): number | undefined {
  const values = rounds.flatMap((round) => round[field] ?? [])
  return values.length > 0 ? median(values) : undefined
}
