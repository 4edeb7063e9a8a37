import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { useRelay } from '../harness/relay.js'
import { countOutcomes, slowestMs, storm, type Attempt } from './logins.js'
import { startServer } from './servers.js'

const WAIT_MS = 15_000
/** A hash or two, and a busy machine. */
const HASHES_MS = 5000
/** More than the cores hash in 15 seconds. */
const WAITERS = 150 * availableParallelism()

const relay = useRelay()

test('a password that waits for 15 seconds is refused with 503 and when to come back, and none waits longer', async ({
  task,
}) => {
  const settings = { PASSWORD_QUEUE: '100000' }
  const { databaseUrl } = relay
  const bounded = await startServer({ databaseUrl, settings })
  const patient = await startServer({ databaseUrl, settings, without: 'wait-bound' })
  const names = Array.from({ length: WAITERS }, (_, at) => `nobody${at}`)
  const early: Attempt[] = []
  for (const attempt of storm(patient, names)) void attempt.then((ended) => early.push(ended))
  const attempts = await Promise.all(storm(bounded, names))
  const [outcomes, withoutBound] = [countOutcomes(attempts), countOutcomes(early)]
  task.meta.figures = {
    logins: WAITERS,
    outcomes,
    slowestMs: slowestMs(attempts),
    'refused without the bound': withoutBound['503 unavailable'] ?? 0,
    'answered meanwhile without the bound': early.length,
  }
  expect(Object.keys(outcomes).toSorted()).toEqual(['401 invalid_credentials', '503 unavailable'])
  for (const { outcome, retryAfter, tookMs } of attempts.filter((one) => one.outcome.startsWith('503'))) {
    expect(outcome).toBe('503 unavailable')
    expect(retryAfter).toMatch(/^[1-9]\d*$/)
    expect(tookMs).toBeGreaterThanOrEqual(WAIT_MS)
  }
  expect(slowestMs(attempts)).toBeLessThan(WAIT_MS + HASHES_MS)
  expect(early.length).toBeLessThan(WAITERS)
  expect(withoutBound['503 unavailable']).toBeUndefined()
})
