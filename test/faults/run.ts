import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../harness/http.js'
import { tokenFor } from '../harness/tokens.js'
import type { Fault } from './faults.js'
import { History, type Faults } from './history.js'
import { People } from './people.js'
import { Random } from './random.js'
import { World } from './world.js'

const PEOPLE = 12
const CALM_MS = 1500
const RECOVERY_MS = 15_000

export interface Result extends Faults {
  readonly requests: number
  readonly acknowledged: number
  readonly unknown: number
  readonly kills: number
  /** After which faults no instance took a send within its time, or one had ended by itself. */
  readonly unrecovered: readonly string[]
}

interface RunOptions {
  readonly seed: number
  /** One after another, until there is none or `until` has come. */
  readonly faults: Iterable<readonly [name: string, fault: Fault]>
  /** What is run, if not the server as it is. */
  readonly program?: string
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

/** Lets faults happen to a world in which people talk, and checks what they saw. */
export async function runFaults({ seed, faults, program, say }: RunOptions): Promise<Result> {
  const random = new Random(seed)
  const world = await World.build(program)
  try {
    const history = new History()
    const ids = await world.makePeople(PEOPLE)
    // Those who probe are not among those who talk: what they send is nobody's loss.
    const probes = await world.makePeople(2)
    const people = new People(ids, () => world.bases, history, new Random(seed + 1))
    const unrecovered: string[] = []
    const talking = people.start()
    for (const [name, fault] of faults) {
      await sleep(CALM_MS)
      const before = history.acknowledged
      await fault(world, random)
      if (!(await recovers(world, probes)) || world.fallen > 0) unrecovered.push(name)
      say(`${name}: ${history.acknowledged - before} acknowledged meanwhile`)
    }
    await sleep(CALM_MS)
    await talking.stop()
    await people.readAll()
    return {
      ...history.check(),
      requests: people.requests,
      acknowledged: history.acknowledged,
      unknown: history.count('unknown'),
      kills: world.kills,
      unrecovered,
    }
  } finally {
    await world.remove()
  }
}
