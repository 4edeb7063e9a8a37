import { setTimeout as sleep } from 'node:timers/promises'
import { History, type Faults } from '../faults/history.js'
import { People } from '../faults/people.js'
import { Random } from '../faults/random.js'
import { World } from '../faults/world.js'
import { shortenRecords } from '../harness/short-records.js'
import { LOOK_INTO_INDEXES, takeSample, type Sample } from './sample.js'

const SAMPLE_EACH_MS = 5000
const KILL_EACH_MS = 60_000
/** As a week is to twenty minutes a minute is to eight hours: messages nobody reads live this long here, records half. */
const LIFE_SECONDS = 60
const RECORD_SECONDS = 30
/**
 * The server's own PostgreSQL looks every ten seconds for what is to be vacuumed. That is nothing in a week; here it would
 * stand for an hour and a half. A second is the least that it takes, and stands for eight minutes.
 */
const VACUUM_LOOK = { autovacuum_naptime: '1s' }
/** Sixty people, each of whom sends five messages a second and a bit less: in twenty minutes a week of a thousand's. */
const PEOPLE = 60
const PAUSE_MS = 380

export interface Soaked {
  readonly samples: readonly Sample[]
  readonly killedAtSeconds: readonly number[]
  readonly faults: Faults
  readonly requests: number
  readonly acknowledged: number
  readonly kills: number
}

interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  /** What is run, if not the server as it is. */
  readonly program?: string
  readonly say: (line: string) => void
}

/** Kills one instance and PostgreSQL in turns; the other instance stays. */
async function kill(world: World, turn: number): Promise<void> {
  if (turn % 2 === 0) {
    const [port = 0] = world.ports
    await world.killServer(port)
    return world.startServer(port)
  }
  await world.postgres.kill()
  world.kills += 1
  await world.postgres.restart()
}

async function watch(
  world: World,
  until: number,
  startedAt: number,
  killedAtSeconds: number[],
  say: SoakOptions['say'],
) {
  const samples: Sample[] = []
  let nextKill = performance.now() + KILL_EACH_MS / 2
  for (let turn = 0; performance.now() < until; await sleep(SAMPLE_EACH_MS)) {
    const sample = await takeSample(world, world.bases[1] ?? '', startedAt).catch(() => undefined)
    if (sample) samples.push(sample)
    if (performance.now() < nextKill) continue
    say(JSON.stringify(sample))
    killedAtSeconds.push(Math.round((performance.now() - startedAt) / 1000))
    await kill(world, turn++)
    nextKill += KILL_EACH_MS
  }
  return samples
}

/** A week's traffic in little time, with a kill every minute. */
export async function soak({ minutes, seed, program, say }: SoakOptions): Promise<Soaked> {
  const world = await World.build({
    rivalrySeconds: 0,
    program,
    settings: {
      LOG_LEVEL: 'error',
      MESSAGE_LIFE_SECONDS: String(LIFE_SECONDS),
      PURGE_SCHEDULE: '*/5 * * * * *',
    },
    postgres: VACUUM_LOOK,
  })
  try {
    await world.sql(shortenRecords(RECORD_SECONDS))
    await world.sql(LOOK_INTO_INDEXES)
    const history = new History()
    const people = new People(
      await world.makePeople(PEOPLE),
      () => world.bases,
      history,
      new Random(seed),
      PAUSE_MS,
    )
    const startedAt = performance.now()
    const talking = people.start()
    const killedAtSeconds: number[] = []
    const samples = await watch(world, startedAt + minutes * 60_000, startedAt, killedAtSeconds, say)
    await talking.stop()
    await people.readAll()
    const { requests } = people
    return {
      samples,
      killedAtSeconds,
      faults: history.check(),
      requests,
      acknowledged: history.acknowledged,
      kills: world.kills,
    }
  } finally {
    await world.remove()
  }
}
