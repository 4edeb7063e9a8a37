import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { Random } from '../faults/random.js'
import { request } from '../harness/http.js'
import { useRelay } from '../harness/relay.js'
import { HastyPeople } from './hasty-people.js'
import { RECORD_SECONDS, countOverdue, readRemovals, watchRemovals } from './retention-world.js'
import { startServer } from './servers.js'

const PEOPLE = 6
const LIFE_SECONDS = 2
const TALK_MS = 20_000
const SHORT_TALK_MS = 4000
/** A purge begins every second, and the machine is busy. */
const OVERDUE_SECONDS = 3
const SETTINGS = { MESSAGE_LIFE_SECONDS: String(LIFE_SECONDS), PURGE_SCHEDULE: '* * * * * *' }

// One purges at a time, whoever comes first: the suite's own server must not do it for those that are looked at.
const relay = useRelay({ ...SETTINGS, PURGE_SCHEDULE: '0 0 1 1 *' })
beforeAll(() => watchRemovals(relay.database))

const startBeside = (without?: string): Promise<string> =>
  startServer({ databaseUrl: relay.databaseUrl, settings: SETTINGS, ...(without && { without }) })

async function readPurged(base: string): Promise<number> {
  const { text } = await request(base, 'GET', '/metrics')
  return Number(/^purge_removed_records_total (\d+)$/m.exec(text)?.[1])
}

/** @returns how many records were due for too long, at the worst moment */
async function watchOverdue(forMs: number): Promise<number> {
  let most = 0
  for (const end = Date.now() + forMs; Date.now() < end; await sleep(1000))
    most = Math.max(most, await countOverdue(relay.database, OVERDUE_SECONDS))
  return most
}

/** Lets people talk through these instances. @returns what was wrong, and how much there was */
async function talk(bases: readonly string[], seed: number, forMs: number) {
  const people = new HastyPeople(await relay.database.insertPeople(PEOPLE), bases, new Random(seed))
  await relay.sql('truncate removed')
  const [overdue] = await Promise.all([watchOverdue(forMs), people.talk(forMs)])
  // All that is due goes.
  await sleep((LIFE_SECONDS + RECORD_SECONDS + OVERDUE_SECONDS) * 1000)
  const removed = await readRemovals(relay.database)
  const [left] = await relay.sql<{ count: number }>('select count(*)::int as count from messages')
  const { wrong, counts } = people.history.check()
  return {
    seed,
    statuses: people.statuses,
    ...counts,
    removed: removed.length,
    left: left?.count,
    latestRemovalMs: Math.round(removed.reduce((most, one) => Math.max(most, one.removed - one.forget), 0)),
    overdue,
    removedEarly: removed.filter((one) => one.removed < one.forget).length,
    unconfirmedRemovedEarly: removed.filter((one) => one.delivered === null && one.removed < one.expires)
      .length,
    listedLate: wrong.listedLate.length,
    hiddenEarly: wrong.hiddenEarly.length,
    confirmedLate: wrong.confirmedLate.length,
    refusedEarly: wrong.refusedEarly.length,
  }
}

const NOTHING_WRONG = {
  left: 0,
  overdue: 0,
  removedEarly: 0,
  unconfirmedRemovedEarly: 0,
  listedLate: 0,
  hiddenEarly: 0,
  confirmedLate: 0,
  refusedEarly: 0,
}

test('two purges, readers and confirmations at once: nothing is listed, confirmed or kept too long, and nothing goes too early', async ({
  task,
}) => {
  const bases = await Promise.all([startBeside(), startBeside()])
  const purgedBefore = await Promise.all(bases.map(readPurged))
  const seen = await talk(bases, Math.floor(Math.random() * 1e9), TALK_MS)
  const purged = (await Promise.all(bases.map(readPurged))).map(
    (count, at) => count - Number(purgedBefore[at]),
  )
  task.meta.figures = { ...seen, purgedByEach: purged }
  expect(seen).toMatchObject(NOTHING_WRONG)
  expect(Object.keys(seen.statuses).toSorted()).toEqual(['GET 200', 'POST 201', 'PUT 200', 'PUT 404'])
  expect(seen.refused).toBeGreaterThan(0)
  expect(seen.confirmedAgain).toBeGreaterThan(0)
  expect(seen.removed).toBe(seen.sent)
  expect(purged.reduce((sum, count) => sum + count, 0)).toBe(seen.removed)
})

test('a server without an end of messages is noticed', async ({ task }) => {
  const seen = await talk([await startBeside('expiry')], 1, SHORT_TALK_MS)
  task.meta.figures = seen
  expect(seen.listedLate).toBeGreaterThan(0)
  expect(seen.confirmedLate).toBeGreaterThan(0)
})

test('a purge that does not wait for the end is noticed', async ({ task }) => {
  const seen = await talk([await startBeside('purge-time')], 1, SHORT_TALK_MS)
  task.meta.figures = seen
  expect(seen.removedEarly).toBeGreaterThan(0)
  expect(seen.unconfirmedRemovedEarly).toBeGreaterThan(0)
  expect(seen.hiddenEarly).toBeGreaterThan(0)
})
