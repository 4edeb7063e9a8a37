import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { ServerProcess } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'
import { checkOpenFiles, gatherCrowd, seenBy } from './distant-crowd.js'
import { askAmbiguously, askInRows } from './hostile-bytes.js'
import { startProcess, startServer } from './servers.js'
import { SteadyLoad, compare, worstP99, type Compared } from './steady-load.js'

const IDLE = 10_000
const SLOW = 200
const FEW = 10
const WARM_UP_MS = 2000
/** What an attack may cost others, beside what the machine costs them at the same time. */
const P99_MS = 100
/** A busy machine adds to the one or the other, in one round or another; what an attack costs, it costs in each. */
const ROUNDS = 3
const ROUNDS_TIMEOUT_MS = ROUNDS * 90_000
const BUSY_MS = 5000
/** The relay waits 15 seconds for a head and 30 for a whole request. */
const HEAD_WITHIN_MS = 15_000 + BUSY_MS
const REQUEST_WITHIN_MS = 30_000 + BUSY_MS

const SLOW_HEAD = 'GET /health HTTP/1.1\r\nHost: relay\r\nX-Slow: '
const SLOW_BODY =
  'POST /login HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'

/** Loaded ahead of the server. */
const LONG_TURNS = { NODE_OPTIONS: `--import ${new URL('long-turns.mjs', import.meta.url).href}` }
/** Nobody else is served meanwhile. */
const TURN_MS = 100

const relay = useRelay(LONG_TURNS)
let attacked: SteadyLoad

beforeAll(async () => {
  checkOpenFiles(IDLE + 1000)
  attacked = new SteadyLoad(relay.base, await relay.database.insertPeople(4))
  await attacked.during(() => sleep(WARM_UP_MS))
})
afterAll(() => attacked.close())

/** The same load on an instance that nobody attacks. */
async function startBeside(): Promise<SteadyLoad> {
  const base = await startServer({ databaseUrl: relay.databaseUrl })
  const load = new SteadyLoad(base, await relay.database.insertPeople(4))
  onTestFinished(() => load.close())
  await load.during(() => sleep(WARM_UP_MS))
  return load
}

/** What an attack added to the slowest kind's p99, milliseconds. */
function addedMs({ times }: Compared<unknown>): number {
  return worstP99(times.attacked) - worstP99(times.beside)
}

/** Attacks until a round shows that others are served as before, a few times at most. */
async function attackInRounds<T>(beside: SteadyLoad, attack: () => Promise<T>): Promise<Compared<T>[]> {
  const rounds: Compared<T>[] = []
  for (let left = ROUNDS; left > 0; left -= 1) {
    const round = await compare(attacked, beside, attack)
    rounds.push(round)
    if (addedMs(round) < P99_MS) break
  }
  return rounds
}

function expectServed(rounds: readonly Compared<unknown>[]): void {
  expect(attacked.refused).toEqual([])
  expect(Math.min(...rounds.map(addedMs))).toBeLessThan(P99_MS)
}

/** The longest turn of a server's event loop since it had said so much, in milliseconds of its own time. */
function longestTurnMs(server: ServerProcess, since: number): number {
  const turns = [
    ...server
      .output()
      .slice(since)
      .matchAll(/a turn of (\d+) ms/g),
  ]
  return Math.max(0, ...turns.map(([, ms]) => Number(ms)))
}

test(
  '10,000 connections that say nothing end on a deadline, and others are served as before',
  { timeout: ROUNDS_TIMEOUT_MS },
  async ({ task }) => {
    const patient = await startServer({ databaseUrl: relay.databaseUrl, without: 'timeouts' })
    const beside = await startBeside()
    const since = relay.process.output().length
    const rounds = await attackInRounds(beside, async () => {
      const idle = await gatherCrowd({ base: relay.base, count: IDLE, opening: '' })
      const still = await gatherCrowd({ base: patient, count: SLOW, opening: '' })
      await sleep(HEAD_WITHIN_MS)
      return {
        idle: await seenBy(idle, HEAD_WITHIN_MS),
        'still connected without timeouts': (await still.seen()).connected,
      }
    })
    const longest = longestTurnMs(relay.process, since)
    task.meta.figures = { longestTurnMs: longest, rounds }
    for (const { result } of rounds)
      expect(result).toMatchObject({
        idle: { ended: IDLE, late: 0, stillConnected: 0 },
        'still connected without timeouts': SLOW,
      })
    expect(longest).toBeLessThan(TURN_MS)
    expectServed(rounds)
  },
)

test('a server that ends 10,000 connections in one go is noticed', async ({ task }) => {
  const { databaseUrl } = relay
  const server = await startProcess({ databaseUrl, settings: LONG_TURNS, without: 'frequent-looks' })
  const since = server.output().length
  const idle = await gatherCrowd({ base: await server.listening, count: IDLE, opening: '' })
  await sleep(HEAD_WITHIN_MS)
  const longest = longestTurnMs(server, since)
  task.meta.figures = { idle: await seenBy(idle, HEAD_WITHIN_MS), longestTurnMs: longest }
  expect(longest).toBeGreaterThan(TURN_MS)
})

test(
  'dribbled heads, trickled bodies, rows of requests and ambiguous ones end on a deadline, and others are served as before',
  { timeout: ROUNDS_TIMEOUT_MS },
  async ({ task }) => {
    const patient = await startServer({ databaseUrl: relay.databaseUrl, without: 'timeouts' })
    const lenient = await startServer({
      databaseUrl: relay.databaseUrl,
      settings: { NODE_OPTIONS: '--insecure-http-parser' },
    })
    const rounds = await attackInRounds(await startBeside(), async () => {
      const [heads, bodies, patientHeads, patientBodies] = await Promise.all([
        gatherCrowd({ base: relay.base, count: SLOW, opening: SLOW_HEAD, dribble: 'x' }),
        gatherCrowd({ base: relay.base, count: SLOW, opening: SLOW_BODY, dribble: ' ' }),
        gatherCrowd({ base: patient, count: FEW, opening: SLOW_HEAD, dribble: 'x' }),
        gatherCrowd({ base: patient, count: FEW, opening: SLOW_BODY, dribble: ' ' }),
      ])
      const until = performance.now() + REQUEST_WITHIN_MS
      const [rows, ambiguous] = await Promise.all([
        askInRows(relay.base, until),
        askAmbiguously(relay.base, until),
        sleep(REQUEST_WITHIN_MS),
      ])
      return {
        heads: await seenBy(heads, HEAD_WITHIN_MS),
        bodies: await seenBy(bodies, REQUEST_WITHIN_MS),
        rows,
        ambiguous,
        'still connected without timeouts':
          (await patientHeads.seen()).connected + (await patientBodies.seen()).connected,
        'ambiguous, accepted by a lenient parser': (await askAmbiguously(lenient, 0)).accepted,
      }
    })
    task.meta.figures = { rounds }
    for (const { result } of rounds) {
      expect(result).toMatchObject({
        heads: { ended: SLOW, late: 0, stillConnected: 0 },
        bodies: { ended: SLOW, late: 0, stillConnected: 0 },
        rows: { wrong: [] },
        ambiguous: { accepted: 0, leftOpen: 0 },
        'still connected without timeouts': 2 * FEW,
      })
      expect(result['ambiguous, accepted by a lenient parser']).toBeGreaterThan(0)
    }
    expectServed(rounds)
  },
)
