import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../harness/http.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import { Canaries } from './canaries.js'
import type { Fault } from './faults.js'
import { History, type Faults } from './history.js'
import { People } from './people.js'
import { Random } from './random.js'
import { PASSWORD } from './postgres.js'
import { Visitor } from './visitor.js'
import { World, type WorldOptions } from './world.js'

const PEOPLE = 12
const CALM_MS = 1500
const RECOVERY_MS = 15_000

export interface Result extends Faults {
  /** What stood in a log, a metric or an error that may stand in none. */
  readonly leaked: readonly string[]
  /** Logs, metrics and errors that were searched for it. */
  readonly searched: number
  /** What was wrong during a fault that excuses nothing. */
  readonly complaints: readonly string[]
  readonly requests: number
  readonly acknowledged: number
  readonly unknown: number
  readonly kills: number
  /** After which faults no instance took a send within its time, or one had ended by itself. */
  readonly unrecovered: readonly string[]
}

interface RunOptions extends WorldOptions {
  readonly seed: number
  /** One after another, until there is none or `until` has come. */
  readonly faults: Iterable<readonly [name: string, fault: Fault]>
  readonly say: (line: string) => void
}

/** Whether each instance takes a send again. */
async function recovers(world: World, [from = '', to = '']: readonly string[]): Promise<boolean> {
  const deadline = Date.now() + RECOVERY_MS
  const json = { recipient_id: to, ciphertext: 'probe' }
  const works = async (base: string): Promise<boolean> =>
    request(base, 'POST', '/messages', { json, token: tokenFor(from) }).then(
      ({ status }) => status === 201,
      () => false,
    )
  for (const base of world.bases) {
    while (!(await works(base))) {
      if (Date.now() > deadline) return false
      await sleep(100)
    }
  }
  return true
}

/** Searches what the instances, their database and their metrics tell whoever may read them. */
async function takeRecords(world: World, canaries: Canaries): Promise<void> {
  for (const base of world.bases) canaries.take('metrics', (await request(base, 'GET', '/metrics')).text)
  for (const log of world.logs()) canaries.take('a log', log)
  canaries.take("the database's log", world.postgres.log())
}

/** Everybody who talks while something goes wrong. */
async function meet(world: World, canaries: Canaries, history: History, seed: number) {
  const ids = await world.makePeople(PEOPLE)
  for (const id of ids) canaries.addId('a user id', id)
  const bases = (): string[] => world.bases
  const people = new People(ids, bases, history, new Random(seed + 1))
  const visitor = new Visitor(bases, canaries, new Random(seed + 2))
  const talking = [people.start(), visitor.start()]
  return { people, leave: () => Promise.all(talking.map(({ stop }) => stop())) }
}

async function liveThrough(
  world: World,
  { seed, faults, say }: Omit<RunOptions, keyof WorldOptions>,
): Promise<Result> {
  const random = new Random(seed)
  const history = new History()
  const canaries = new Canaries({
    'the key of tokens': SECRET_KEY,
    "the database's password": PASSWORD,
    "the database's address": new URL(world.link.url).host,
  })
  // Those who probe are not among those who talk: what they send is nobody's loss.
  const probes = await world.makePeople(2)
  const { people, leave } = await meet(world, canaries, history, seed)
  const [unrecovered, complaints]: [string[], string[]] = [[], []]
  for (const [name, fault] of faults) {
    await sleep(CALM_MS)
    const before = history.acknowledged
    const wrong = await fault(world, random)
    if (wrong) complaints.push(...wrong.map((what) => `${name}: ${what}`))
    if (!(await recovers(world, probes)) || world.fallen > 0) unrecovered.push(name)
    say(`${name}: ${history.acknowledged - before} acknowledged meanwhile`)
  }
  await sleep(CALM_MS)
  await leave()
  await people.readAll()
  await takeRecords(world, canaries)
  for (const id of history.ids()) canaries.addId('a message id', id)
  return {
    ...history.check(),
    leaked: canaries.search(),
    searched: canaries.searched,
    complaints,
    requests: people.requests,
    acknowledged: history.acknowledged,
    unknown: history.count('unknown'),
    kills: world.kills,
    unrecovered,
  }
}

/** Lets faults happen to a world in which people talk, and checks what they saw. */
export async function runFaults({ seed, faults, say, ...options }: RunOptions): Promise<Result> {
  const world = await World.build(options)
  try {
    return await liveThrough(world, { seed, faults, say })
  } finally {
    await world.remove()
  }
}
