import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { REPOSITORY } from '../../harness/process.js'
import { churn } from './churn.js'
import { median } from './load.js'
import { readOptions, type Options } from './options.js'
import { startPostgres, type Postgres } from './postgres.js'
import { holdPurge, measurePurge } from './purging.js'
import { writeGrowth, type Point } from './results.js'
import { startServer } from './server.js'
import { isSeeded, openTable, seed } from './table.js'
import { createSubject, measure, WORKS, type Subject, type Work } from './works.js'

/** As bench tables usually start: some users, and a week of delivered messages, so that there are statistics. */
const EMPTY = { users: 4000, rows: 20_000 }
type Rates = Record<Work, number>
interface Content {
  readonly users: number
  readonly rows: number
  readonly delivered: boolean
}
type Open = (name: string, content: Content) => Promise<Subject>

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function openSubject(
  postgres: Postgres,
  folder: string,
  name: string,
  { users, rows, delivered }: Content,
): Promise<Subject> {
  const admin = openTable(postgres.urlOf('postgres'), 0)
  const found = await admin.query('select 1 from pg_database where datname = $1', [name])
  if (found.length === 0) await admin.query(`create database ${name}`)
  await admin.close()
  const databaseUrl = postgres.urlOf(name)
  execFileSync(process.execPath, [path.join(REPOSITORY, 'server/dist/migrate.js')], {
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
    cwd: folder,
  })
  const table = openTable(databaseUrl, users)
  if (!(await isSeeded(table))) await seed(table, rows, delivered)
  return createSubject(table, await startServer(databaseUrl, path.join(folder, `${name}.log`)))
}

function nothing(): Record<Work, number[]> {
  return { send: [], list: [], confirm: [] }
}

/** Both tables in turns, so that what disturbs the machine disturbs both; medians. */
async function compare(empty: Subject, full: Subject, { rounds, seconds }: Options): Promise<[Rates, Rates]> {
  const results = [empty, full].map((subject) => ({
    subject,
    perSecond: nothing(),
  }))
  for (let round = 1; round <= rounds; round += 1) {
    for (const work of WORKS) {
      for (const { subject, perSecond } of results)
        perSecond[work].push((await measure(subject, work, seconds)).perSecond)
      say(
        `round ${round} ${work}: ${results.map((r) => Math.round(r.perSecond[work].at(-1) ?? 0)).join(' empty, ')} full`,
      )
    }
  }
  const [ofEmpty, ofFull] = results.map(({ perSecond }) => ratesOf(perSecond))
  if (!ofEmpty || !ofFull) throw new Error('nothing was measured')
  return [ofEmpty, ofFull]
}

function ratesOf({ send, list, confirm }: Record<Work, number[]>): Rates {
  return { send: median(send), list: median(list), confirm: median(confirm) }
}

function pointOf(work: Work, [empty, full]: [Rates, Rates], after: [Rates, Rates] | undefined): Point {
  const ratio = (a: number, b: number): number => Number((a / b).toFixed(2))
  return {
    work,
    empty_per_s: Math.round(empty[work]),
    full_per_s: Math.round(full[work]),
    ratio_full: ratio(full[work], empty[work]),
    // The empty table was measured again beside it: hours do not mix.
    ...(after && {
      after_churn_per_s: Math.round(after[1][work]),
      ratio_after_churn: ratio(after[1][work], after[0][work]),
    }),
  }
}

async function run(options: Options, open: Open): Promise<void> {
  const { rows, users, churnMinutes, churnRate, purgeRows, sendRate } = options
  const empty = await open('growth_empty', { ...EMPTY, delivered: true })
  const full = await open('growth_full', { rows, users, delivered: false })
  const release = await holdPurge(full.table.databaseUrl)
  const before = await compare(empty, full, options)
  const confirmations = churnMinutes > 0 ? await churn(full, churnMinutes, churnRate) : 0
  const after = churnMinutes > 0 ? await compare(empty, full, options) : undefined
  const purge =
    purgeRows > 0 ? await measurePurge(full, { rows: purgeRows, perSecond: sendRate, release }) : null
  if (!purge) await release()
  const growth = {
    rows,
    users,
    points: WORKS.map((work) => pointOf(work, before, after)),
    churn: churnMinutes > 0 ? { minutes: churnMinutes, confirmations } : null,
    purge,
  }
  say(JSON.stringify(growth, null, 2))
  writeGrowth(growth)
}

async function main(): Promise<void> {
  const options = readOptions()
  const folder = path.resolve(options.folder)
  mkdirSync(folder, { recursive: true })
  const postgres = await startPostgres(folder, options.binaries)
  // Servers end by the terminal's own signal; PostgreSQL has a session of its own.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void postgres.stop().finally(() => process.exit(1)))
  const subjects: Subject[] = []
  try {
    await run(options, async (name, content) => {
      const subject = await openSubject(postgres, folder, name, content)
      subjects.push(subject)
      return subject
    })
  } finally {
    for (const { server, table } of subjects) {
      await server.stop()
      await table.close()
    }
    await postgres.stop()
    if (!options.keep) rmSync(folder, { recursive: true, force: true })
  }
}

await main()
