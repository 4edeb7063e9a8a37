import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { tokenFor, useRelay, type TestUser } from '../harness/relay.js'
import { Child } from './child.js'
import { attemptsSchema, countOutcomes, logIn, slowestMs, storm, type Attempt } from './logins.js'
import { startServer } from './servers.js'
import { SteadyLoad, compare } from './steady-load.js'

const LOGINS = 200
/** Of the logins, how many are tried under the owner's name: more than its budget. */
const AT_THE_OWNER = 40
const NAME_BUDGET = 30
const QUEUE = 100
const WAIT_MS = 15_000
/** A hash or two, and a busy machine. */
const HASHES_MS = 5000
/** What a storm may cost others, beside what the machine costs them at the same time. */
const P99_MS = 50
const WARM_UP_MS = 1500
/** Hashed while the storm still comes in. */
const MEANWHILE = 10 * availableParallelism()

const SETTINGS = { LIMITS: 'on', LIMIT_REGISTER: 'off' }
const relay = useRelay(SETTINGS)

const CROWD = [
  ...Array.from({ length: AT_THE_OWNER }, () => 'owner'),
  ...Array.from({ length: LOGINS - AT_THE_OWNER }, (_, at) => `nobody${at}`),
] as const

const isRefusal = (outcome: string): boolean => /^(429|503) /.test(outcome)

const namesFor = (owner: TestUser): string[] =>
  CROWD.map((name) => (name === 'owner' ? owner.username : name))

/** With a token that ended 29 days ago. */
function logInAsOwner(base: string, owner: TestUser): Promise<Attempt> {
  const token = tokenFor(owner.id, { iat: Math.floor(Date.now() / 1000) - 29 * 86_400 })
  return logIn(base, { ...owner, token })
}

async function loadOn(base: string): Promise<SteadyLoad> {
  const load = new SteadyLoad(base, await relay.database.insertPeople(4))
  onTestFinished(() => load.close())
  await load.during(() => sleep(WARM_UP_MS))
  return load
}

const startBeside = (without?: string): Promise<string> =>
  startServer({ databaseUrl: relay.databaseUrl, settings: SETTINGS, ...(without && { without }) })

/** What the owner is told in the middle of a storm. */
async function ownerInStorm(without: string): Promise<string> {
  const owner = await relay.user()
  const base = await startBeside(without)
  void storm(base, namesFor(owner))
  await sleep(500)
  return (await logInAsOwner(base, owner)).outcome
}

test('200 logins at once: others go on, the queue is bounded, each is answered in time, and the owner gets in', async ({
  task,
}) => {
  const owner = await relay.user()
  const attacked = await loadOn(relay.base)
  const beside = await loadOn(await startBeside())
  const stormers = new Child('storm-process.ts')
  // The way of a login, too, is warm, at both ends: in a process that has never compiled it, a storm's first half second
  // costs others several times as much (docs/promises.md).
  await stormers.ask({ base: relay.base, names: Array.from({ length: LOGINS / 2 }, () => 'nobody') })
  const { times, result } = await compare(attacked, beside, async () => {
    const strangers = stormers.ask({ base: relay.base, names: namesFor(owner) })
    await sleep(500)
    const own = await logInAsOwner(relay.base, owner)
    return { own, attempts: attemptsSchema.parse(await strangers) }
  })
  const { own, attempts } = result
  const outcomes = countOutcomes(attempts)
  task.meta.figures = { logins: LOGINS, outcomes, slowestMs: slowestMs(attempts), owner: own, times }

  expect(outcomes['429 rate_limited']).toBe(AT_THE_OWNER - NAME_BUDGET)
  // What was not refused at once had a place: in the queue, or at work, where a few may have been done meanwhile.
  const admitted = attempts.filter(({ outcome, tookMs }) => !isRefusal(outcome) || tookMs >= WAIT_MS).length
  expect(admitted).toBeGreaterThanOrEqual(QUEUE)
  expect(admitted).toBeLessThanOrEqual(QUEUE + MEANWHILE)
  expect(outcomes['503 unavailable']).toBeGreaterThan(0)
  expect(Object.keys(outcomes)).toHaveLength(3)
  for (const { retryAfter } of attempts.filter(({ outcome }) => isRefusal(outcome)))
    expect(retryAfter).toMatch(/^[1-9]\d*$/)
  expect(slowestMs(attempts)).toBeLessThan(WAIT_MS + HASHES_MS)
  expect(own.outcome).toBe('200')
  expect(own.tookMs).toBeLessThan(HASHES_MS)
  expect(attacked.refused).toEqual([])
  expect(times.attacked.all.p99Ms).toBeLessThan(P99_MS + times.beside.all.p99Ms)
})

test('without each guard against a storm of logins, its lack is noticed', async ({ task }) => {
  const unknown = await ownerInStorm('ownership')
  const unfavoured = await ownerInStorm('standing')

  const unbounded = await startBeside('queue-bound')
  const answered: Attempt[] = []
  for (const attempt of storm(unbounded, CROWD)) void attempt.then((ended) => answered.push(ended))
  await sleep(2500)
  const unboundedOutcomes = countOutcomes(answered)

  const inLoop = await startBeside('threads')
  const [attacked, beside] = [await loadOn(inLoop), await loadOn(relay.base)]
  const { times } = await compare(attacked, beside, async () => {
    void storm(inLoop, CROWD.slice(0, 20))
    await sleep(3000)
  })
  task.meta.figures = {
    'the owner, without a look at old tokens': unknown,
    'the owner, without a place ahead of strangers': unfavoured,
    'refused 503, without a bound of the queue': unboundedOutcomes['503 unavailable'] ?? 0,
    'p99 of others in ms, hashing in the event loop': times.attacked.all.p99Ms,
    'p99 beside it in ms': times.beside.all.p99Ms,
  }
  expect(unknown).toBe('429 rate_limited')
  expect(unfavoured).toBe('503 unavailable')
  expect(unboundedOutcomes['429 rate_limited']).toBeGreaterThan(0)
  expect(unboundedOutcomes['503 unavailable']).toBeUndefined()
  expect(times.attacked.all.p99Ms).toBeGreaterThan(P99_MS + times.beside.all.p99Ms)
})
