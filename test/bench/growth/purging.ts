import pg from 'pg'
import { PURGE_LOCK } from '../../../server/dist/retention/purge.js'
import { load, percentile, type Run } from './load.js'
import { settle } from './table.js'
import { sendCall, someRecipient, type Subject } from './works.js'

/** How a purge went, and what the sends felt of it. */
export interface PurgeResult {
  readonly rows: number
  readonly longest_statement_ms: number
  readonly seconds: number
  readonly sends_p95_ms_before: number
  readonly sends_p95_ms_during: number
}

const AT_ONCE = 64
/** Long enough that a checkpoint falls into it, as several do into the purge. */
const BEFORE_MS = 60_000
const POLL_MS = 250

/** Keeps the server from purging, as another instance that purges would. @returns what lets it again */
export async function holdPurge(databaseUrl: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('select pg_advisory_lock($1)', [PURGE_LOCK])
  return () => client.end()
}

async function expire({ table }: Subject, rows: number): Promise<void> {
  await table.query(
    `update messages set created_at = created_at - past, expires_at = expires_at - past, forget_at = forget_at - past
      from (select interval '30 days' as past) t
      where forget_at < (select forget_at from messages order by forget_at offset $1 limit 1)`,
    [rows],
  )
  await settle(table)
  await table.query('create extension if not exists pg_stat_statements')
  await table.query('select pg_stat_statements_reset()')
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
 *
 * @param release - ends what holds the purge back
 */
export async function measurePurge(
  subject: Subject,
  { rows, perSecond, release }: { rows: number; perSecond: number; release: () => Promise<void> },
): Promise<PurgeResult> {
  await expire(subject, rows)
  const next = () => sendCall(subject, someRecipient(subject))
  const sends = (goesOn: (elapsedMs: number) => boolean): Promise<Run> =>
    load({ port: subject.server.port, atOnce: AT_ONCE, perSecond, next, goesOn })
  const before = await sends((elapsedMs) => elapsedMs < BEFORE_MS)
  const removedBefore = await countRemoved(subject)
  const startedAt = performance.now()
  await release()
  let purging = true
  const [during] = await Promise.all([
    sends(() => purging),
    awaitRemoved(subject, removedBefore + rows).finally(() => (purging = false)),
  ])
  const seconds = (performance.now() - startedAt) / 1000
  const [longest] = await subject.table.query<{ ms: number }>(
    `select max(max_exec_time) as ms from pg_stat_statements where query ilike '%delete from messages%'`,
  )
  return {
    rows,
    longest_statement_ms: Math.round(longest?.ms ?? 0),
    seconds: Math.round(seconds),
    sends_p95_ms_before: Number(percentile(before, 0.95).toFixed(1)),
    sends_p95_ms_during: Number(percentile(during, 0.95).toFixed(1)),
  }
}
