import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { writeEvidence } from '../../harness/evidence.js'
import { OWNER, startCluster } from '../cluster.js'
import { churn } from '../growth/churn.js'
import { openSubject } from '../growth/subject.js'
import { compare, type Compared } from '../growth/compare.js'
import { WORKS, type Subject, type Work } from '../growth/works.js'
import type { Cleanup } from '../processes.js'
import { runMeasurement } from '../run.js'

const HELP = `pnpm bench:horizon [--minutes 10] [--rate 500] [--rounds 15] [--seconds 1]

What becomes of the speed while a transaction stays open on the database, and no dead row can be removed, through so many
minutes of sends and confirmations; and after its end. Beside it, in turns, a table of the same size without any of it.`

const CONTENT = { users: 4000, rows: 20_000, delivered: true }
/** After the transaction's end: as long as autovacuum sleeps by default, twice, and what it then has to do. */
const RECOVERY_MS = 180_000
const POLL_MS = 2000

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A snapshot that nobody gives back, as a backup or a forgotten session holds one. @returns ends it */
async function holdSnapshot(databaseUrl: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'forgotten' })
  await client.connect()
  await client.query('begin isolation level repeatable read; select count(*) from messages')
  return () => client.end()
}

async function look({ table }: Subject): Promise<{ dead_rows: number; table_mib: number }> {
  const [row] = await table.query<{ dead: string; bytes: string }>(
    `select n_dead_tup as dead, pg_total_relation_size('messages') as bytes from pg_stat_user_tables
      where relname = 'messages'`,
  )
  return { dead_rows: Number(row?.dead), table_mib: Math.round(Number(row?.bytes) / 2 ** 20) }
}

/** @returns after how many seconds autovacuum had removed what was dead, or undefined where it did not in time */
async function untilVacuumed(subject: Subject, dead: number): Promise<number | undefined> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < RECOVERY_MS) {
    if ((await look(subject)).dead_rows < dead / 10) return Math.round((performance.now() - startedAt) / 1000)
    await sleep(POLL_MS)
  }
  return undefined
}

function ratios(compared: Readonly<Record<Work, Compared>>): Record<string, unknown> {
  return Object.fromEntries(
    WORKS.map((work) => {
      const { one, other, ratio } = compared[work]
      return [work, { free_per_s: one, held_per_s: other, ratio }]
    }),
  )
}

async function measureAll(cleanup: Cleanup, commit: string): Promise<void> {
  const number = { type: 'string' } as const
  const { values } = parseArgs({
    options: { minutes: number, rate: number, rounds: number, seconds: number, help: { type: 'boolean' } },
  })
  if (values.help) return say(HELP)
  const { minutes = '10', rate = '500', rounds = '15', seconds = '1' } = values
  const turns = { rounds: Number(rounds), seconds: Number(seconds) }
  const started = new Date().toISOString()
  const cluster = await startCluster(cleanup, ['horizon_free', 'horizon_held'])
  await cluster.runText('postgres', `grant pg_checkpoint to ${OWNER}`)
  const free = await openSubject(cleanup, cluster, 'horizon_free', CONTENT)
  const held = await openSubject(cleanup, cluster, 'horizon_held', CONTENT)
  const before = await compare(free, held, turns)
  const release = cleanup.add(await holdSnapshot(held.table.databaseUrl))
  const confirmations = await churn(held, Number(minutes), Number(rate))
  const meanwhile = await compare(free, held, turns)
  const dead = await look(held)
  await release()
  const vacuumed_after_seconds = await untilVacuumed(held, dead.dead_rows)
  const after = await compare(free, held, turns)
  const evidence = {
    command: `pnpm bench:horizon --minutes ${minutes} --rate ${rate} --rounds ${rounds} --seconds ${seconds}`,
    commit,
    started,
    ended: new Date().toISOString(),
    confirmations,
    before: ratios(before),
    while_open: { ...ratios(meanwhile), ...dead },
    after_its_end: { vacuumed_after_seconds, ...ratios(after), ...(await look(held)) },
  }
  say(JSON.stringify(evidence, undefined, 2))
  writeEvidence('horizon', evidence)
}

await runMeasurement(measureAll)
