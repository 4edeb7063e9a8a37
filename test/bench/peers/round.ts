import type { Cluster } from '../cluster.js'
import type { BcryptRound, MemoryRound, Round, Work } from '../document/figures.js'
import type { Target } from '../load/window.js'
import { Works } from '../load/works.js'
import { LOGIN_WINDOW_FACTOR, type Options, type Peer } from '../options.js'
import type { Cleanup } from '../processes.js'
import { compareDoors, type DoorRates } from './doors.js'
import { runLoadMjs, warmUp, type Measured, type Phase } from './load-mjs.js'
import { watchMemory } from './memory.js'
import { runOwnLoad } from './own-load.js'
import { measurePasswords } from './passwords.js'
import { runPgbench, type PgbenchScript } from './pgbench.js'
import { startServer, type Running, type Server } from './servers.js'

/** Takes one figure of a turn. */
export type Keep = (peer: Peer, work: Work, concurrency: number, round: Round) => void

/** What takes the figures of all turns. */
export interface Results {
  keep: Keep
  keepIntegrity(peer: Peer, sent: number, confirmed: number): void
  keepDoors(rates: readonly DoorRates[]): void
  keepPasswords(round: BcryptRound): void
  keepMemory(round: MemoryRound): void
}

interface Measuring {
  readonly cleanup: Cleanup
  readonly cluster: Cluster
  readonly options: Options
  readonly results: Results
}

/** What a peer does before the next one has its turn. */
interface Stretch {
  readonly phases: readonly Phase[]
  /** pgbench's share of it. */
  readonly script?: PgbenchScript
  /** Logins last, so that the default variants alone have them. */
  readonly peers?: readonly Peer[]
  readonly windowFactor?: number
}

/**
 * Short, as the speed of a machine that others share changes by half within minutes: what is divided by each other is
 * measured half a minute apart.
 */
const STRETCHES: readonly Stretch[] = [
  { phases: ['send'], script: 'insert' },
  { phases: ['relay'], script: 'relay' },
  { phases: ['fetch'] },
  { phases: ['pubkey'] },
  { phases: ['login', 'mixed'], peers: ['fastapi', 'relay'], windowFactor: LOGIN_WINDOW_FACTOR },
]

type Servers = ReadonlyMap<Server, Running>

function isServer(peer: Peer): peer is Server {
  return peer !== 'pgbench'
}

function keepMeasured(results: Results, peer: Server, { points, sent, confirmed }: Measured): void {
  for (const { work, concurrency, round } of points) results.keep(peer, work, concurrency, round)
  results.keepIntegrity(peer, sent, confirmed)
}

async function startServers({ cleanup, cluster, options }: Measuring): Promise<Servers> {
  const servers = new Map<Server, Running>()
  for (const peer of options.peers.filter(isServer))
    servers.set(peer, await startServer(cleanup, cluster, peer, options.benchDir))
  return servers
}

async function takeTurn(measuring: Measuring, servers: Servers, stretch: Stretch, peer: Peer): Promise<void> {
  const { cleanup, cluster, options, results } = measuring
  const { phases, script, peers, windowFactor = 1 } = stretch
  if (peers && !peers.includes(peer)) return
  if (!isServer(peer)) {
    if (script) await runPgbench({ cleanup, cluster, options, keep: results.keep.bind(results) }, script)
    return
  }
  const server = servers.get(peer)
  if (!server || !options.benchDir) return
  const load = { cleanup, cluster, peer, server, benchDir: options.benchDir }
  keepMeasured(results, peer, await runLoadMjs(load, phases, options.seconds * windowFactor))
}

/** The peers' turns, stretch by stretch; every other round backwards, so that nobody is always the first. */
async function takeTurns(measuring: Measuring, servers: Servers, round: number): Promise<void> {
  const { cleanup, cluster, options } = measuring
  if (!options.sections.includes('throughput')) return
  const { benchDir } = options
  if (benchDir)
    for (const [peer, server] of servers) await warmUp({ cleanup, cluster, peer, server, benchDir })
  const order = round % 2 === 0 ? options.peers.toReversed() : options.peers
  for (const stretch of STRETCHES) for (const peer of order) await takeTurn(measuring, servers, stretch, peer)
}

/** What only this server is measured at, in the same process that the other loads went to. */
async function takeOwnLoads({ options, results }: Measuring, target: Target): Promise<void> {
  const { sections, seconds, benchDir } = options
  const mine = sections.includes('throughput') && !benchDir
  if (!mine && !sections.includes('rpc') && !sections.includes('bcrypt')) return
  const works = await Works.prepare(target.port)
  if (mine) keepMeasured(results, 'relay', await runOwnLoad(target, works, seconds))
  if (sections.includes('rpc')) results.keepDoors(await compareDoors(target, works, seconds))
  if (sections.includes('bcrypt')) results.keepPasswords(await measurePasswords(target, works, seconds))
}

/** One round: all servers start, the peers take turns, all servers stop. */
export async function takeRound(measuring: Measuring, round: number): Promise<void> {
  const servers = await startServers(measuring)
  const relay = servers.get('relay')
  const readMemory = relay && watchMemory(relay.pid)
  await takeTurns(measuring, servers, round)
  if (relay && readMemory) {
    await takeOwnLoads(measuring, {
      port: relay.port,
      pid: relay.pid,
      postgresPid: measuring.cluster.pid,
    })
    measuring.results.keepMemory(readMemory())
  }
  for (const server of servers.values()) await server.stop()
}
