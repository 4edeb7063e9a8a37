import { afterAll, expect, test } from 'vitest'
import { writeEvidence } from '../harness/evidence.js'
import { pgBasebackup, pgDump } from './backups.js'
import { restoreUnderTalk, type Case, type Restoring } from './restoring.js'

const startedAt = new Date()
const results: Record<string, Restoring> = {}

/** Of a run that went through: a failed one leaves the figures of the last that did not. */
afterAll(() => {
  if (Object.keys(results).length < KEPT.length + LOST.length) return
  writeEvidence('restore', {
    command: 'pnpm test:operations',
    started: startedAt.toISOString(),
    ended: new Date().toISOString(),
    ...results,
  })
})

type Named = readonly [string, Case]

const KEPT: readonly Named[] = [
  ['pg_basebackup, then db:restored', { backup: pgBasebackup, told: true, heedsEpoch: true }],
  ['pg_dump into another cluster', { backup: pgDump, told: false, heedsEpoch: true }],
]
const LOST: readonly Named[] = [
  ['clients that ignore the epoch', { backup: pgBasebackup, told: true, heedsEpoch: false }],
  ['pg_basebackup without db:restored', { backup: pgBasebackup, told: false, heedsEpoch: true }],
]

async function restore(name: string, given: Case): Promise<Restoring> {
  const result = await restoreUnderTalk(given)
  expect(result.lostByTheServer).toBeGreaterThan(0)
  results[name] = result
  return result
}

test.each(KEPT)(
  'an older backup is restored under three talking clients, and nothing acknowledged is missing: %s',
  async (name, given) => {
    const result = await restore(name, given)
    expect(result).toMatchObject({ missing: 0, doubled: 0, sawNewEpoch: 3 })
    // What the backup held was offered, too, or "doubled" would mean little.
    expect(result.offeredThoughKept).toBeGreaterThan(0)
    expect(result.offeredAgain).toBeGreaterThan(result.offeredThoughKept)
  },
)

test.each(LOST)('without the epoch something is missing: %s', async (name, given) => {
  const result = await restore(name, given)
  expect(result.missing).toBeGreaterThan(0)
  expect(result.offeredAgain).toBe(0)
})
