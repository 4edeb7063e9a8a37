import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { outcomeOf, request } from '../harness/http.js'
import { record } from './evidence.js'
import { everyOperation } from './operations.js'
import { within, World, type Part } from './world.js'

/** From a request's arrival to its answer, and what a busy machine takes. */
const DEADLINE_MS = 12_000 + 3000
const UNAVAILABLE = '503 unavailable'
/** It acknowledges what it has not written yet. */
const WITHOUT_FLUSH = fileURLToPath(new URL('../faults/without/flush.mjs', import.meta.url))

interface Figures {
  readonly requests: number
  readonly acknowledged: number
  readonly refused: number
  readonly missing: number
  readonly doubled: number
  readonly risen: number
  readonly slowest_ms: number
  readonly outcomes: readonly string[]
}

function figuresOf({ letters }: World): Figures {
  return {
    requests: [...letters.outcomes.values()].reduce((sum, count) => sum + count, 0),
    acknowledged: letters.acknowledged.size,
    refused: letters.outcomes.get(UNAVAILABLE) ?? 0,
    missing: letters.missing.length,
    doubled: letters.doubled.length,
    risen: letters.risen.length,
    slowest_ms: Math.round(letters.slowestMs),
    outcomes: [...letters.outcomes.keys()].toSorted(),
  }
}

interface Suffering {
  readonly program?: string
  readonly whileFull: (world: World) => Promise<unknown>
}

/** Lets a disk fill up and be given room while letters are written, and reads them all in the end. */
async function suffer(part: Part, { program, whileFull }: Suffering): Promise<Figures> {
  const world = await World.build(part, program)
  try {
    const writing = world.letters.begin()
    await within(20, world.letters.more(100))
    await world.fill()
    await whileFull(world)
    await world.makeRoom()
    await within(20, world.letters.more(100))
    await within(20, writing.end())
    // The same process all along.
    expect(world.server.child.exitCode).toBe(null)
    return figuresOf(world)
  } finally {
    await world.remove()
  }
}

/** With the server as it is, and with one that lacks the first promise: what is lost then must be noticed. */
async function compare(part: Part, name: string, whileFull: Suffering['whileFull']): Promise<Figures> {
  const started = new Date().toISOString()
  const without = await suffer(part, {
    program: WITHOUT_FLUSH,
    whileFull: ({ letters }) => within(20, letters.more(100)),
  })
  expect(without.missing).toBeGreaterThan(0)
  const figures = await suffer(part, { whileFull })
  const ended = new Date().toISOString()
  record(name, { started, ended, ...figures, 'missing with acknowledging before the flush': without.missing })
  return figures
}

function expectNothingLost(figures: Figures): void {
  expect(figures).toMatchObject({ missing: 0, doubled: 0, risen: 0 })
  expect(figures.outcomes).toEqual(['200', '201', UNAVAILABLE])
  expect(figures.slowest_ms).toBeLessThan(DEADLINE_MS)
}

async function expectTablesFull({ base, token, username, password, letters }: World): Promise<void> {
  const refused = letters.outcomes.get(UNAVAILABLE) ?? 0
  await expect
    .poll(() => letters.outcomes.get(UNAVAILABLE), { timeout: 20_000 })
    .toBeGreaterThan(refused + 20)
  for (let at = 0; at < 20; at += 1)
    expect((await request(base, 'GET', '/messages?limit=2', { token })).status).toBe(200)
  expect(outcomeOf(await request(base, 'POST', '/login', { form: { username, password } }))).toBe('200')
  expect(outcomeOf(await request(base, 'GET', '/ready'))).toBe('200')
  // Keys that do not fit between others: a registration that finds no room is refused in the same way.
  const public_key = randomBytes(6000).toString('base64')
  const json = { username: 'bob', password, public_key }
  const registered = await request(base, 'POST', '/register', { json })
  expect(outcomeOf(registered)).toBe(UNAVAILABLE)
  expect(registered.headers['retry-after']).toMatch(/^\d+$/)
}

async function expectNothingWritten(world: World): Promise<void> {
  const { base } = world
  expect(outcomeOf(await request(base, 'GET', '/ready'))).toBe(UNAVAILABLE)
  expect(outcomeOf(await request(base, 'GET', '/health'))).toBe('200')
  const startedAt = performance.now()
  const answers = await Promise.all(everyOperation(world))
  expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS)
  expect(answers.map(({ name, answer }) => [name, outcomeOf(answer)])).toEqual(
    answers.map(({ name }) => [name, UNAVAILABLE]),
  )
  for (const { answer } of answers) expect(answer.headers['retry-after']).toMatch(/^\d+$/)
}

describe('while letters are written and read', () => {
  test('a full disk of the tables loses no 2xx and stops no reading, and sends go on by themselves once there is room', async () => {
    expectNothingLost(await compare('tables', 'the disk of the tables full', expectTablesFull))
  })

  test("a full disk of PostgreSQL's log, which ends it, makes 503 of every request, and no 2xx is lost when it is back", async () => {
    expectNothingLost(await compare('log', 'the disk of the log full', expectNothingWritten))
  })
})
