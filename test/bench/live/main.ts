import { SECRET_KEY } from '../../harness/tokens.js'
import { startCluster, type Cluster } from '../cluster.js'
import { writeSections } from '../document/figures.js'
import { Works } from '../load/works.js'
import { startRelay, untilReady, type Running } from '../peers/servers.js'
import { MAIN, own } from '../places.js'
import { freePort } from '../../harness/ports.js'
import type { Cleanup } from '../processes.js'
import { runMeasurement } from '../run.js'
import { measureCosts } from './cost.js'
import { measureCycles } from './cycles.js'
import { insertPeople, measureIdle } from './idle.js'
import { readOptions, type Options } from './options.js'

const DATABASES = { idle: 'bench_idle', live: 'bench_live' } as const

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function startServer(
  cleanup: Cleanup,
  cluster: Cluster,
  database: string,
  entry: string,
): Promise<Running> {
  const port = await freePort()
  const settings = { DATABASE_URL: cluster.url(database), SECRET_KEY }
  const server = { ...startRelay(cleanup, port, settings, entry), port }
  await untilReady(port, server)
  await cluster.runFile(database, own('relay-seed.sql'))
  return server
}

async function measureAll(cleanup: Cleanup, commit: string, options: Options): Promise<void> {
  const cluster = await startCluster(cleanup, Object.values(DATABASES))
  const held = await startServer(cleanup, cluster, DATABASES.idle, MAIN)
  const people = await insertPeople(cluster, DATABASES.idle, options.connections)
  const idle = await measureIdle(held, people, options)
  say(JSON.stringify(idle))
  const cycles = await measureCycles(held, people, options.cycles)
  say(JSON.stringify(cycles))
  await held.stop()
  const server = await startServer(cleanup, cluster, DATABASES.live, own('live/switched.mjs'))
  const works = await Works.prepare(server.port)
  const costs = await measureCosts({ server, works, postgresPid: cluster.pid }, options)
  say(JSON.stringify(costs, undefined, 2))
  const { rounds, seconds } = options
  writeSections({
    live: { date: new Date().toISOString().slice(0, 10), commit, idle, cycles, rounds, seconds, costs },
  })
}

const options = readOptions()
await runMeasurement((cleanup, commit) => measureAll(cleanup, commit, options))
