import type { BcryptRound, MemoryRound, Point, Round, Stamp, Throughput, Work } from './document/figures.js'
import type { Options, Peer, Section } from './options.js'
import type { DoorRates } from './peers/doors.js'
import type { Starts } from './peers/startup.js'
import type { Results } from './peers/round.js'
import os from 'node:os'

interface DoorPoint {
  readonly concurrency: number
  readonly rest_per_s: number[]
  readonly rpc_per_s: number[]
}

/** Gathers the figures of one run. */
export class Gathered implements Results {
  starts: Starts | undefined
  private readonly points: Point[] = []
  private readonly integrity: Throughput['integrity'] = []
  private readonly doors: DoorPoint[] = []
  private readonly passwords: BcryptRound[] = []
  private readonly memory: MemoryRound[] = []

  keep(peer: Peer, work: Work, concurrency: number, round: Round): void {
    const known = this.points.find(
      (at) => at.peer === peer && at.work === work && at.concurrency === concurrency,
    )
    if (known) known.rounds.push(round)
    else this.points.push({ peer, work, concurrency, rounds: [round] })
    console.log(`  ${peer}  ${work}, ${concurrency} at once: ${round.per_s} per s, p99 ${round.p99_ms} ms`)
  }

  keepIntegrity(peer: Peer, sent: number, confirmed: number): void {
    if (sent !== confirmed) throw new Error(`${peer}: of ${sent} messages ${confirmed} were confirmed`)
    const known = this.integrity.find((entry) => entry.peer === peer)
    if (!known) this.integrity.push({ peer, sent, confirmed })
    if (!known) return
    known.sent += sent
    known.confirmed += confirmed
  }

  keepDoors(rates: readonly DoorRates[]): void {
    for (const { concurrency, rest, rpc } of rates) {
      let point = this.doors.find((at) => at.concurrency === concurrency)
      if (!point) this.doors.push((point = { concurrency, rest_per_s: [], rpc_per_s: [] }))
      point.rest_per_s.push(Math.round(rest))
      point.rpc_per_s.push(Math.round(rpc))
      console.log(`  sends, ${concurrency} at once: REST ${Math.round(rest)}, tRPC ${Math.round(rpc)} per s`)
    }
  }

  keepPasswords(round: BcryptRound): void {
    this.passwords.push(round)
    console.log(
      `  bcrypt ${round.hash_ms} ms, all cores ${round.all_cores_per_s} per s; logins ${round.logins_per_s} per s`,
    )
  }

  keepMemory(round: MemoryRound): void {
    this.memory.push(round)
    console.log(`  memory: ready ${round.ready_mib}, at most ${round.peak_mib} MiB`)
  }

  /** The sections that were asked for; each replaces what the file had. */
  sections(options: Options, stamp: Stamp): Partial<Record<Section, unknown>> {
    const { rounds, seconds, benchDir, sections } = options
    const generator = benchDir ? 'load.mjs' : 'own'
    const all: Record<Section, unknown> = {
      throughput: { ...stamp, rounds, seconds, generator, points: this.points, integrity: this.integrity },
      rpc: { ...stamp, seconds, points: this.doors },
      bcrypt: { ...stamp, cores: os.availableParallelism(), rounds: this.passwords },
      memory: { ...stamp, rounds: this.memory },
      start: { ...stamp, ...this.starts },
    }
    return Object.fromEntries(sections.map((name) => [name, all[name]]))
  }
}
