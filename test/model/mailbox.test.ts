import fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { TestServer } from '../harness/process.js'
import { SECRET_KEY, useRelay } from '../harness/relay.js'
import { startServer } from '../harness/server.js'
import { checkInvariants } from './invariants.js'
import { replay, runs, timeoutMs } from '../harness/runs.js'
import { crowd, minutesPassing, step, type Step } from './steps.js'
import { World, type Places } from './world.js'

/** The purge runs when a run says so. */
const NEVER = '0 0 1 1 *'
const SEQUENCE_LENGTH = 60
const ROUNDS = 15

const relay = useRelay({ PURGE_SCHEDULE: NEVER })
let other: TestServer
let places: Places

beforeAll(async () => {
  const settings = { SECRET_KEY, DATABASE_URL: relay.databaseUrl, LIMITS: 'off', PURGE_SCHEDULE: NEVER }
  other = startServer(settings)
  places = { database: relay.database, bases: [relay.base, await other.listening] }
})
afterAll(async () => {
  await other.stop()
})

/** What happens next in a run: calls at once, or time that passes. */
type Round = readonly Step[] | { readonly minutes: number }

async function happen(world: World, round: Round): Promise<void> {
  await ('minutes' in round ? world.pass(round.minutes) : world.perform(round))
}

const passing = fc.record({ minutes: minutesPassing })

class Happening implements fc.AsyncCommand<object, World> {
  constructor(private readonly round: Round) {}
  check(): boolean {
    return true
  }
  async run(_model: object, world: World): Promise<void> {
    await happen(world, this.round)
  }
  toString(): string {
    return JSON.stringify(this.round)
  }
}

describe('the mailbox does as its model', () => {
  test(
    'whatever is asked, one after the other, through either door',
    async () => {
      const happening = [
        step.map((one) => new Happening([one])),
        passing.map((round) => new Happening(round)),
      ]
      // Time passes once in ten times, or nothing would live.
      const weighted = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1].flatMap((at) => happening[at] ?? [])
      await fc.assert(
        fc.asyncProperty(
          fc.commands(weighted, { maxCommands: SEQUENCE_LENGTH, size: 'max', ...replay }),
          async (commands) => {
            const world = await World.make(places)
            await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
            await checkInvariants(world)
          },
        ),
        runs(),
      )
    },
    timeoutMs,
  )

  test(
    'whatever is asked at once, of two instances: some order explains every answer',
    async () => {
      const round = fc.oneof({ weight: 8, arbitrary: crowd }, { weight: 1, arbitrary: passing })
      await fc.assert(
        fc.asyncProperty(fc.array(round, { maxLength: ROUNDS, size: 'max' }), async (rounds) => {
          const world = await World.make(places)
          for (const each of rounds) await happen(world, each)
          await checkInvariants(world)
        }),
        runs(),
      )
    },
    timeoutMs,
  )
})
