import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestDatabase } from '../harness/database.js'
import { DatabaseLink } from '../harness/database-link.js'
import type { TestServer } from '../harness/process.js'
import { SECRET_KEY } from '../harness/relay.js'
import { replay, runs, timeoutMs } from '../harness/runs.js'
import { startServer } from '../harness/server.js'
import type { Answered } from './explain.js'
import { checkInvariants } from './invariants.js'
import { aboutKeyOf, delivering, step, underOneKey, type Step } from './steps.js'
import { Turns } from './turns.js'
import { World, type Places } from './world.js'

const CALLS = 36
/** The search for an order that explains them may double with each: without a bound, eight runs took 7 to 50 s. */
const MOST_UNDER_WAY = 8
/** Of the usual number, of each kind: a run takes about a second. */
const SHARE = 0.2
/** One that fails is made smaller by hundreds of others. */
const SHRINKING_FACTOR = 4

const turns = new Turns()
let database: TestDatabase
let links: DatabaseLink[]
let servers: TestServer[]
let places: Places

beforeAll(async () => {
  database = await TestDatabase.create()
  links = await Promise.all([0, 1].map((server) => DatabaseLink.open(database.url, turns.passing(server))))
  servers = links.map(({ url }) =>
    // The purge runs when a run says so.
    startServer({ SECRET_KEY, DATABASE_URL: url, LIMITS: 'off', PURGE_SCHEDULE: '0 0 1 1 *' }),
  )
  places = { database, bases: await Promise.all(servers.map(({ listening }) => listening)) }
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await Promise.all(links.map((link) => link.close()))
  await database.drop()
})

class Beginning implements fc.AsyncCommand<World, World> {
  constructor(private readonly asked: Step) {}
  check(world: World): boolean {
    return world.underWay < MOST_UNDER_WAY
  }
  async run(_model: World, world: World): Promise<void> {
    world.begin(this.asked)
  }
  toString(): string {
    return JSON.stringify(this.asked)
  }
}

/** A call begins in two turns, and is asked of the database and answered in one each. */
const patience = fc.constantFrom(0, 0, 4, 12)

/** Calls that began and ended while another was under way. */
function countOvertaking(told: readonly Answered[]): number {
  return told.filter((one) => told.some(({ began, ended }) => began < one.began && one.ended < ended)).length
}

describe('whichever call, statement or answer of the database comes next, some order explains every answer', () => {
  test.each([
    ['calls of every kind', step],
    ['sends under one key', underOneKey(0, 1)],
    ['messages that are read as they come', delivering],
    ["one person's key, changed and read", aboutKeyOf(0)],
  ])(
    '%s',
    async (_subject, steps: fc.Arbitrary<Step>) => {
      const commands = fc.commands([steps.map((asked) => new Beginning(asked))], {
        maxCommands: CALLS,
        size: 'max',
        ...replay,
      })
      let overtaking = 0
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler({ act: turns.act }),
          fc.tuple(patience, patience),
          commands,
          async (scheduler, patiences, begun) => {
            const world = await World.make(places)
            await turns.during(scheduler, patiences, async () => {
              await fc.scheduledModelRun(scheduler, () => ({ model: world, real: world }), begun)
              await scheduler.waitFor(world.settle())
            })
            await checkInvariants(world)
            overtaking += countOvertaking(world.told)
          },
        ),
        runs(SHARE),
      )
      // Were the calls one after the other, the schedule would be worth nothing.
      expect(overtaking).toBeGreaterThan(0)
    },
    timeoutMs * SHRINKING_FACTOR,
  )
})
