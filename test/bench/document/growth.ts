import { z } from 'zod'
import { shown } from '../numbers.js'
import { table } from './table.js'

const LOSS_ALLOWED = 0.2
const STATEMENT_MS = 500
const WORKS = ['send', 'list', 'confirm'] as const

const point = z.object({
  work: z.enum(WORKS),
  empty_per_s: z.number(),
  full_per_s: z.number(),
  after_churn_per_s: z.number().optional(),
  ratio_full: z.number(),
  ratio_after_churn: z.number().optional(),
})

/** What another tool measures and writes: the same works on a full table, after an hour of churn, and during a purge. */
export const growth = z.object({
  date: z.string(),
  commit: z.string(),
  rows: z.number(),
  users: z.number(),
  /** PostgreSQL's, where it was not as packaged; its buffers were filled with the tables then. */
  settings: z.record(z.string(), z.string()).optional(),
  /** Of each point; runs before they were told had fifteen rounds of a second. */
  turns: z.object({ rounds: z.number(), seconds: z.number() }).optional(),
  points: z.array(point),
  churn: z.object({ minutes: z.number(), confirmations: z.number() }).nullable(),
  purge: z
    .object({
      rows: z.number(),
      longest_statement_ms: z.number(),
      seconds: z.number(),
      sends_p95_ms_beside: z.number(),
      sends_p95_ms_during: z.number(),
    })
    .nullable(),
})
export type Growth = z.infer<typeof growth>
export type Point = z.infer<typeof point>

type Row = [what: string, limit: string, measured: string, reached: string]

function judged(what: string, limit: string, measured: string | undefined, reached: boolean): Row {
  return measured === undefined
    ? [what, limit, 'not run', 'not run']
    : [what, limit, measured, reached ? 'yes' : 'no']
}

const ALLOWED_LOSS_TEXT = `at least ${1 - LOSS_ALLOWED} × an empty table`

function rowsOfFull(measured: Growth | undefined): Row[] {
  return WORKS.map((work) => {
    const found = measured?.points.find((candidate) => candidate.work === work)
    const full =
      found && `${shown(found.ratio_full)} × (${shown(found.empty_per_s)} → ${shown(found.full_per_s)} per s)`
    return judged(
      `${work}, full table`,
      ALLOWED_LOSS_TEXT,
      full,
      (found?.ratio_full ?? 0) >= 1 - LOSS_ALLOWED,
    )
  })
}

function rowsOfChurn(measured: Growth | undefined): Row[] {
  return WORKS.map((work) => {
    const ratio = measured?.points.find((candidate) => candidate.work === work)?.ratio_after_churn
    const told = ratio === undefined ? undefined : `${shown(ratio)} ×`
    return judged(`${work}, after churn`, ALLOWED_LOSS_TEXT, told, (ratio ?? 0) >= 1 - LOSS_ALLOWED)
  })
}

function rowsOfPurge(measured: Growth | undefined): Row[] {
  const purge = measured?.purge ?? undefined
  const slowed = purge && purge.sends_p95_ms_during / purge.sends_p95_ms_beside
  return [
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

const count = (value: number): string => value.toLocaleString('en-US')

function headOf({ rows, users, settings, turns, date, commit, churn, purge }: Growth): string {
  const churned = churn
    ? `${shown(churn.minutes)} minutes of churn with ${count(churn.confirmations)} confirmations`
    : 'no churn'
  const purged = purge ? `then a purge of ${count(purge.rows)} rows in ${shown(purge.seconds)} s` : 'no purge'
  const set = Object.entries(settings ?? {}).map(([name, value]) => `\`${name}=${value}\``)
  const postgres = set.length === 0 ? 'as packaged' : `with ${set.join(', ')}, its buffers filled first`
  const { rounds, seconds } = turns ?? { rounds: 15, seconds: 1 }
  return (
    `${count(rows)} undelivered messages of ${count(users)} users, against an empty table, in turns, ${rounds} rounds of ${seconds} s; ${churned}, ${purged}. ` +
    `PostgreSQL ${postgres}. ${date.slice(0, 10)}, commit \`${commit}\`.`
  )
}

/** A run of half an hour, and beside it one with an hour's churn, which is made more seldom. */
export function renderGrowth(measured: Growth | undefined, withChurn: Growth | undefined): string {
  const render = (run: Growth | undefined, rows: readonly Row[]): string[] => [
    run ? headOf(run) : 'Not run.',
    '',
    table(['work', 'to reach', 'measured', 'reached'], rows),
  ]
  return [
    '`pnpm bench:growth`:',
    ...render(measured, [...rowsOfFull(measured), ...rowsOfPurge(measured)]),
    '',
    '`pnpm bench:growth --churn-minutes 60`:',
    ...render(withChurn, [...rowsOfFull(withChurn), ...rowsOfChurn(withChurn), ...rowsOfPurge(withChurn)]),
  ].join('\n')
}
