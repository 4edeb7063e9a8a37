import pg from 'pg'
import { PURGE_LOCK } from '../../../server/dist/retention/lock.js'
import type { Growth } from '../document/growth.js'
import { percentile } from '../numbers.js'
import { load, type Run } from './load.js'
import { settle } from './table.js'
import { sendCall, someRecipient, type Subject } from './works.js'

/** How a purge went, and what the sends felt of it; beside it are the minutes before and after, as machines change speed. */
type PurgeResult = NonNullable<Growth['purge']>

const AT_ONCE = 64
/** Before the purge and after it: together as long as from one checkpoint to the next, two of which fall into the purge. */
const BESIDE_MS = 150_000
const POLL_MS = 250

interface PurgeOptions {
  readonly rows: number
  /** Sends each second. */
  readonly perSecond: number
  /** Ends what holds the purge back. */
  readonly release: () => Promise<void>
  /**
   * Begins to count how long statements take: those of a purge while the table was filled, which waited for indexes, are
   * none of a million rows.
   */
  readonly countStatements: () => Promise<void>
}

/** Keeps the server from purging, as another instance that purges would. @returns what lets it again */
export async function holdPurge(databaseUrl: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('select pg_advisory_lock($1)', [PURGE_LOCK])
  return () => client.end()
}

/** @returns how many were: some fewer where several share the time at the edge */
async function expire({ table }: Subject, rows: number): Promise<number> {
  const [expired] = await table.query<{ count: number }>(
    `with expired as (update messages set created_at = created_at - past, expires_at = expires_at - past, forget_at = forget_at - past
      from (select interval '30 days' as past) t
      where forget_at < (select forget_at from messages order by forget_at offset $1 limit 1) returning 1)
      select count(*)::int as count from expired`,
    [rows],
  )
  await settle(table)
  return expired?.count ?? 0
}

async function countRemoved({ server }: Subject): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
  return Number(/^purge_removed_records_total (\d+)$/m.exec(metrics)?.[1] ?? 0)
}

async function awaitRemoved(subject: Subject, rows: number): Promise<void> {
  while ((await countRemoved(subject)) < rows) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

/**
 * Lets the server purge expired rows while sends go on at a bounded rate, and compares.
 */
export async function measurePurge(
  subject: Subject,
  { rows, perSecond, release, countStatements }: PurgeOptions,
): Promise<PurgeResult> {
  const expired = await expire(subject, rows)
  const next = () => sendCall(subject, someRecipient(subject))
  const sends = (goesOn: (elapsedMs: number) => boolean): Promise<Run> =>
    load({ port: subject.server.port, atOnce: AT_ONCE, perSecond, next, goesOn })
  const before = await sends((elapsedMs) => elapsedMs < BESIDE_MS)
  const removedBefore = await countRemoved(subject)
  await countStatements()
  const startedAt = performance.now()
  await release()
  let purging = true
  const [during] = await Promise.all([
    sends(() => purging),
    awaitRemoved(subject, removedBefore + expired).finally(() => (purging = false)),
  ])
  const seconds = (performance.now() - startedAt) / 1000
  const after = await sends((elapsedMs) => elapsedMs < BESIDE_MS)
  const beside = [...before.sortedMs, ...after.sortedMs].toSorted((a, b) => a - b)
  const [longest] = await subject.table.query<{ ms: number }>(
    `select max(max_exec_time) as ms from pg_stat_statements where query ilike '%delete from messages%'`,
  )
  return {
    rows: expired,
    longest_statement_ms: Math.round(longest?.ms ?? 0),
    seconds: Math.round(seconds),
    sends_p95_ms_beside: Number(percentile(beside, 0.95).toFixed(1)),
    sends_p95_ms_during: Number(percentile(during.sortedMs, 0.95).toFixed(1)),
  }
}
