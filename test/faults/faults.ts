import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Random } from './random.js'
import { Rivals } from './rivals.js'
import type { World } from './world.js'

/** Something that goes wrong, and is over when it returns; with what was seen to be wrong besides. */
export type Fault = (world: World, random: Random) => Promise<string[] | void>

const SHORT_MS = 500
/** Longer than a statement may last. */
const LONG_MS = 6500

async function holdTable(world: World, ms: number): Promise<void> {
  const client = new pg.Client({ connectionString: world.databaseUrl })
  await client.connect()
  await client.query('begin; lock table messages in access exclusive mode')
  await sleep(ms)
  await client.query('rollback')
  await client.end()
}

export const FAULTS: Record<string, Fault> = {
  'an instance is killed and started again': async (world, random) => {
    const port = random.pick(world.ports)
    await world.killServer(port)
    await sleep(random.below(SHORT_MS))
    await world.startServer(port)
  },
  'all instances are killed at once': async (world) => {
    await Promise.all(world.ports.map((port) => world.killServer(port)))
    await Promise.all(world.ports.map((port) => world.startServer(port)))
  },
  'PostgreSQL is killed and recovers': async (world, random) => {
    await world.postgres.kill()
    world.kills += 1
    await sleep(random.below(2 * SHORT_MS))
    await world.postgres.restart()
  },
  'PostgreSQL ends every connection': async (world) => {
    await world.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'secure-messenger%'`,
    )
  },
  'the network to the database is cut': async (world, random) => {
    world.link.refuse()
    await sleep(random.below(4 * SHORT_MS))
    world.link.allow()
  },
  'the network is cut after commits, before their answers': async (world) => {
    world.cutter.armed = true
    await sleep(2 * SHORT_MS)
    world.cutter.armed = false
  },
  'the network is half open': async (world) => {
    world.link.stall()
    await sleep(LONG_MS)
    world.link.cut()
    world.link.allow()
  },
  'the network is slow': async (world) => {
    world.link.slow(150)
    await sleep(4 * SHORT_MS)
    world.link.slow(0)
  },
  'every connection waits for a lock': (world) => holdTable(world, LONG_MS),
  'all instances are given the same at once': async (world) =>
    (await Rivals.come(world)).compete(world.rivalrySeconds * 1000),
}
