import { OWNER, startCluster } from '../cluster.js'
import { writeSections } from '../document/figures.js'
import type { Growth, Point } from '../document/growth.js'
import type { Cleanup } from '../processes.js'
import { runMeasurement } from '../run.js'
import { churn } from './churn.js'
import { compare, type Compared } from './compare.js'
import { readOptions, type Options } from './options.js'
import { holdPurge, measurePurge } from './purging.js'
import { openSubject } from './subject.js'
import { fillBuffers, tune } from './tuning.js'
import { WORKS, type Work } from './works.js'

/** As bench tables usually start: some users, and a week of delivered messages, so that there are statistics. */
const EMPTY = { database: 'growth_empty', users: 4000, rows: 20_000 }
const FULL = 'growth_full'

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function pointOf(work: Work, before: Compared, after: Compared | undefined): Point {
  return {
    work,
    empty_per_s: before.one,
    full_per_s: before.other,
    ratio_full: before.ratio,
    // The empty table was measured again beside it: hours do not mix.
    ...(after && {
      after_churn_per_s: after.other,
      ratio_after_churn: after.ratio,
    }),
  }
}

async function measureAll(cleanup: Cleanup, commit: string, options: Options): Promise<void> {
  const { rows, users, churnMinutes, churnRate, purgeRows, sendRate } = options
  const settings = tune(cleanup)
  const cluster = await startCluster(cleanup, [EMPTY.database, FULL], {
    shared_preload_libraries: 'pg_stat_statements',
    ...settings,
  })
  await cluster.runText('postgres', `grant pg_checkpoint to ${OWNER}`)
  const empty = await openSubject(cleanup, cluster, EMPTY.database, { ...EMPTY, delivered: true })
  const full = await openSubject(cleanup, cluster, FULL, { rows, users, delivered: false })
  const release = cleanup.add(await holdPurge(full.table.databaseUrl))
  const compareInMemory = async (): Promise<Record<Work, Compared>> => {
    for (const database of [EMPTY.database, FULL]) await fillBuffers(cluster, database)
    return compare(empty, full, options)
  }
  const before = await compareInMemory()
  const confirmations = churnMinutes > 0 ? await churn(full, churnMinutes, churnRate) : 0
  const after = churnMinutes > 0 ? await compareInMemory() : undefined
  const countStatements = async (): Promise<void> =>
    void (await cluster.runText(
      FULL,
      'create extension pg_stat_statements; select pg_stat_statements_reset()',
    ))
  const purging = { rows: purgeRows, perSecond: sendRate, release, countStatements }
  const growth: Growth = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    rows,
    users,
    settings,
    turns: { rounds: options.rounds, seconds: options.seconds },
    points: WORKS.map((work) => pointOf(work, before[work], after?.[work])),
    churn: churnMinutes > 0 ? { minutes: churnMinutes, confirmations } : null,
    purge: purgeRows > 0 ? await measurePurge(full, purging) : null,
  }
  say(JSON.stringify(growth, null, 2))
  writeSections(growth.churn ? { growth_with_churn: growth } : { growth })
}

const options = readOptions()
await runMeasurement((cleanup, commit) => measureAll(cleanup, commit, options))
