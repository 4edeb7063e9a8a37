import type { Cluster } from '../cluster.js'
import type { BcryptRound, MemoryRound, Round, Work } from '../document/figures.js'
import type { Target } from '../load/window.js'
import { Works } from '../load/works.js'
import type { Options, Peer } from '../options.js'
import type { Cleanup } from '../processes.js'
import { compareDoors, type DoorRates } from './doors.js'
import { runLoadMjs, warmUp, type Measured } from './load-mjs.js'
import { watchMemory } from './memory.js'
import { runOwnLoad } from './own-load.js'
import { measurePasswords } from './passwords.js'
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

interface Turn {
  readonly cleanup: Cleanup
  readonly cluster: Cluster
  readonly options: Options
  readonly results: Results
}

function keepMeasured(results: Results, peer: Server, { points, sent, confirmed }: Measured): void {
  for (const { work, concurrency, round } of points) results.keep(peer, work, concurrency, round)
  results.keepIntegrity(peer, sent, confirmed)
}

/** What only this server is measured at, in the same process that the other loads went to. */
async function takeOwnLoads({ options, results }: Turn, target: Target): Promise<void> {
  const { sections, seconds, benchDir } = options
  const mine = sections.includes('throughput') && !benchDir
  if (!mine && !sections.includes('rpc') && !sections.includes('bcrypt')) return
  const works = await Works.prepare(target.port)
  if (mine) keepMeasured(results, 'relay', await runOwnLoad(target, works, seconds))
  if (sections.includes('rpc')) results.keepDoors(await compareDoors(target, works, seconds))
  if (sections.includes('bcrypt')) results.keepPasswords(await measurePasswords(target, works, seconds))
}

async function loadServer(turn: Turn, peer: Server, server: Running): Promise<void> {
  const { cleanup, cluster, options, results } = turn
  const { sections, benchDir, seconds } = options
  const readMemory = peer === 'relay' ? watchMemory(server.pid) : undefined
  if (sections.includes('throughput') && benchDir) {
    const load = { cleanup, cluster, peer, server, benchDir }
    await warmUp(load)
    keepMeasured(results, peer, await runLoadMjs(load, seconds))
  }
  if (!readMemory) return
  await takeOwnLoads(turn, { port: server.port, pid: server.pid, postgresPid: cluster.pid })
  results.keepMemory(readMemory())
}

/** One server's turn: start, seed, load, stop. */
export async function takeServerTurn(turn: Turn, peer: Server): Promise<void> {
  const server = await startServer(turn.cleanup, turn.cluster, peer, turn.options.benchDir)
  await loadServer(turn, peer, server)
  await server.stop()
}
