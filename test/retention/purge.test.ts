import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Session } from '../../server/dist/database/session.js'
import { createLog } from '../../server/dist/log.js'
import { PURGE_LOCK } from '../../server/dist/retention/lock.js'
import { purge } from '../../server/dist/retention/purge.js'
import { TestDatabase } from '../harness/database.js'

const SESSIONS = `select pid from pg_stat_activity
  where application_name = 'secure-messenger purge' and datname = current_database()`

/** When batches begin and end, and what is told of them. */
let happened: string[] = []
let times: { begun: number; ended: number }[] = []
let lines: string[] = []
let stop = new AbortController()
let database: TestDatabase

beforeAll(async () => {
  database = await TestDatabase.create()
})
afterAll(() => database.drop())
beforeEach(() => {
  ;[happened, times, lines, stop] = [[], [], [], new AbortController()]
})

interface Batch {
  readonly rows: number
  readonly ms?: number
}

/** Purges, where the batches remove so many rows and take so long; each asks something, as a real one would. */
function purgeIn(batches: readonly Batch[], connectionString = database.url): Promise<void> {
  const left = [...batches]
  const deleteForgotten = async (session: Session): Promise<number> => {
    await session.query('select 1')
    const { rows, ms = 0 } = left.shift() ?? { rows: 0 }
    const time = { begun: performance.now(), ended: Number.NaN }
    times.push(time)
    await sleep(ms)
    time.ended = performance.now()
    return rows
  }
  const observer = {
    purged: (rows: number) => void happened.push(`purged ${rows}`),
    finished: () => void happened.push('finished'),
  }
  const log = createLog('info', { write: (line) => void lines.push(line) })
  return purge({ deleteForgotten, connection: { connectionString }, observer, log }, stop.signal)
}

/** Milliseconds from the end of each batch to the beginning of the next. */
function pauses(): number[] {
  return times.slice(1).map(({ begun }, at) => begun - (times[at]?.ended ?? 0))
}

async function untilBegun(batches: number): Promise<void> {
  await expect.poll(() => times.length, { timeout: 5000 }).toBeGreaterThanOrEqual(batches)
}

test('goes on batch by batch until one finds nothing, and tells each and then its end', async () => {
  await purgeIn([{ rows: 500 }, { rows: 500 }, { rows: 3 }])
  expect(happened).toEqual(['purged 500', 'purged 500', 'purged 3', 'purged 0', 'finished'])
  expect(lines).toEqual([])
})

test('rests nineteen times as long as a batch took, and not after the last', async () => {
  const startedAt = performance.now()
  await purgeIn([{ rows: 1, ms: 25 }, { rows: 1, ms: 5 }, { rows: 0 }])
  const [first = 0, second = 0] = pauses()
  expect(first).toBeGreaterThanOrEqual(450)
  expect(first).toBeLessThan(800)
  expect(second).toBeGreaterThanOrEqual(80)
  expect(second).toBeLessThan(first)
  expect(performance.now() - startedAt).toBeLessThan(4000)
})

test('rests two seconds at most', async () => {
  await purgeIn([{ rows: 1, ms: 500 }, { rows: 0 }])
  const [pause = 0] = pauses()
  expect(pause).toBeGreaterThanOrEqual(1900)
  expect(pause).toBeLessThan(2900)
}, 20_000)

test('ends in the middle of a rest when it is told to, without saying that it is finished', async () => {
  const purging = purgeIn([{ rows: 1, ms: 1000 }])
  await untilBegun(1)
  const stoppedAt = performance.now()
  stop.abort()
  await purging
  expect(performance.now() - stoppedAt).toBeLessThan(1500)
  expect(happened).toEqual(['purged 1'])
  expect(lines).toEqual([])
})

test('told to end before it began, it removes nothing', async () => {
  stop.abort()
  await purgeIn([{ rows: 1 }])
  expect(times).toEqual([])
  expect(happened).toEqual([])
})

test('leaves the work to who holds the lock, and does it once that is free', async () => {
  const holder = new pg.Client({ connectionString: database.url })
  onTestFinished(() => holder.end())
  await holder.connect()
  await holder.query('select pg_advisory_lock($1)', [PURGE_LOCK])
  await purgeIn([{ rows: 1 }])
  expect(times).toEqual([])
  expect(happened).toEqual([])
  await holder.end()
  await purgeIn([])
  expect(happened).toEqual(['purged 0', 'finished'])
})

test('holds the lock while it works, and leaves neither it nor a connection behind', async () => {
  const purging = purgeIn([{ rows: 1, ms: 300 }])
  await untilBegun(1)
  await purgeIn([{ rows: 7 }])
  expect(await database.sql(SESSIONS)).toHaveLength(1)
  await purging
  expect(happened).toEqual(['purged 1', 'purged 0', 'finished'])
  await expect.poll(() => database.sql(SESSIONS)).toEqual([])
})

test('that loses its connection ends there, says so, and the next one goes on', async () => {
  const purging = purgeIn([{ rows: 1, ms: 200 }, { rows: 1 }])
  await untilBegun(1)
  await database.cut('secure-messenger purge')
  await purging
  expect(happened).toEqual(['purged 1'])
  const told = lines.map((line): unknown => JSON.parse(line))
  expect(told).toMatchObject([
    { level: 40, msg: 'the purge was cut short; the next one goes on', fault: expect.any(String) },
  ])
  await purgeIn([])
  expect(happened).toEqual(['purged 1', 'purged 0', 'finished'])
})

test('without a database it is cut short, and says so without a word about where that is', async () => {
  const away = new URL(database.url)
  away.port = '1'
  await purgeIn([{ rows: 1 }], away.toString())
  expect(times).toEqual([])
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('cut short')
  expect(lines[0]).not.toContain(away.hostname)
})

test('works on the connection that holds the lock, where statements are planned as all others are', async () => {
  const told: unknown[] = []
  const deleteForgotten = async (session: Session): Promise<number> => {
    const { rows } = await session.query<Record<string, string>>(
      `select current_setting('enable_seqscan') as scans, current_setting('idle_session_timeout') as idle,
        (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`,
    )
    told.push(...rows)
    return 0
  }
  const observer = { purged: () => undefined, finished: () => undefined }
  const connection = { connectionString: database.url }
  await purge({ deleteForgotten, connection, observer, log: createLog('silent') }, stop.signal)
  expect(told).toEqual([{ scans: 'off', idle: '20s', locks: 1 }])
})
