import { z } from 'zod'
import { shown } from '../numbers.js'
import { table } from './table.js'

const LOSS_ALLOWED = 0.2
const STATEMENT_MS = 500

const worked = z.object({
  work: z.enum(['send', 'list', 'confirm']),
  empty_per_s: z.number(),
  full_per_s: z.number(),
  after_churn_per_s: z.number().nullish(),
  ratio_full: z.number(),
  ratio_after_churn: z.number().nullish(),
})

/** What another tool measures and writes: the same works on a full table, after an hour of churn, and during a purge. */
export const growth = z.looseObject({
  date: z.string(),
  commit: z.string(),
  rows: z.number(),
  users: z.number(),
  points: z.array(worked),
  churn: z.looseObject({ minutes: z.number(), confirmations: z.number() }).nullish(),
  purge: z
    .looseObject({
      rows: z.number(),
      longest_statement_ms: z.number(),
      seconds: z.number(),
      sends_p95_ms_beside: z.number(),
      sends_p95_ms_during: z.number(),
    })
    .nullish(),
})
type Growth = z.infer<typeof growth>

type Row = [what: string, limit: string, measured: string, reached: string]

function judged(what: string, limit: string, measured: string | undefined, reached: boolean): Row {
  return measured === undefined
    ? [what, limit, 'not run', 'not run']
    : [what, limit, measured, reached ? 'yes' : 'no']
}

function rowsOf(measured: Growth | undefined): Row[] {
  const least = 1 - LOSS_ALLOWED
  const limit = `at least ${least} × an empty table`
  const works = (['send', 'list', 'confirm'] as const).flatMap((work) => {
    const point = measured?.points.find((candidate) => candidate.work === work)
    const churned = point?.ratio_after_churn ?? undefined
    const full =
      point && `${shown(point.ratio_full)} × (${shown(point.empty_per_s)} → ${shown(point.full_per_s)} per s)`
    return [
      judged(`${work}, full table`, limit, full, (point?.ratio_full ?? 0) >= least),
      judged(
        `${work}, after churn`,
        limit,
        churned === undefined ? undefined : `${shown(churned)} ×`,
        (churned ?? 0) >= least,
      ),
    ]
  })
  const purge = measured?.purge ?? undefined
  const slowed = purge && purge.sends_p95_ms_during / purge.sends_p95_ms_beside
  return [
    ...works,
    judged(
      'purge, longest statement',
      `at most ${STATEMENT_MS} ms`,
      purge && `${shown(purge.longest_statement_ms)} ms`,
      (purge?.longest_statement_ms ?? 0) <= STATEMENT_MS,
    ),
    judged(
      "sends' p95 during the purge",
      `at most ${1 + LOSS_ALLOWED} × the minutes before and after`,
      slowed === undefined ? undefined : `${shown(slowed)} ×`,
      (slowed ?? 0) <= 1 + LOSS_ALLOWED,
    ),
  ]
}

export function renderGrowth(measured: Growth | null | undefined): string {
  const { churn, purge } = measured ?? {}
  const count = (value: number): string => value.toLocaleString('en-US')
  return [
    measured
      ? `${count(measured.rows)} undelivered messages of ${count(measured.users)} users, against an empty table; ${measured.date.slice(0, 10)}, commit \`${measured.commit}\`.`
      : 'A table of ten million undelivered messages against an empty one: not run.',
    `Churn: ${churn ? `${shown(churn.minutes)} minutes, ${count(churn.confirmations)} confirmations` : 'not run'}. ` +
      `Purge: ${purge ? `${count(purge.rows)} rows in ${shown(purge.seconds)} s` : 'not run'}.`,
    '',
    table(['work', 'to reach', 'measured', 'reached'], rowsOf(measured ?? undefined)),
  ].join('\n')
}
