import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { PEERS } from '../options.js'
import { REPOSITORY } from '../places.js'
import { growth } from './growth.js'
import { live } from './live.js'

const FILE = path.join(REPOSITORY, 'docs/performance.json')

const machine = z.object({
  cpu: z.string(),
  cores: z.number(),
  memory_gib: z.number(),
  system: z.string(),
  kernel: z.string(),
  node: z.string(),
  /** The one that the peers share. */
  postgres: z.string(),
  date: z.string(),
})
export type Machine = z.infer<typeof machine>

/** When a section was measured, of which commit, and by which command. */
const stamp = z.object({ date: z.string(), commit: z.string(), command: z.string() })
export type Stamp = z.infer<typeof stamp>

/** One peer's turn at one work. Cores in use by the server, PostgreSQL, the load generator, and everybody else. */
const round = z.object({
  per_s: z.number(),
  p50_ms: z.number(),
  p99_ms: z.number(),
  max_ms: z.number(),
  cpu_server: z.number().optional(),
  cpu_postgres: z.number().optional(),
  cpu_load: z.number().optional(),
  cpu_others: z.number().optional(),
  rss_mib: z.number().optional(),
})
export type Round = z.infer<typeof round>

export const WORKS = [
  'send',
  'relay cycle',
  'list 50',
  'public key',
  'login',
  'me',
  'me during 8 logins',
] as const
export type Work = (typeof WORKS)[number]

const point = z.object({
  peer: z.enum(PEERS),
  work: z.enum(WORKS),
  concurrency: z.number(),
  /** One value per round, in their order. */
  rounds: z.array(round),
})
export type Point = z.infer<typeof point>

const throughput = stamp.extend({
  rounds: z.number(),
  seconds: z.number(),
  generator: z.enum(['load.mjs', 'own']),
  points: z.array(point),
  /** Messages sent and confirmed, over all rounds. A run with a single fault writes nothing. */
  integrity: z.array(z.object({ peer: z.enum(PEERS), sent: z.number(), confirmed: z.number() })),
})
export type Throughput = z.infer<typeof throughput>

/** The same sends over both doors, by one generator; one value per round. */
const rpc = stamp.extend({
  seconds: z.number(),
  points: z.array(
    z.object({ concurrency: z.number(), rest_per_s: z.array(z.number()), rpc_per_s: z.array(z.number()) }),
  ),
})

const bcryptRound = z.object({
  /** One comparison at a time, alone. */
  hash_ms: z.number(),
  /** As many at once as there are cores, alone. */
  all_cores_per_s: z.number(),
  /** Over the wire, 8 at once. */
  logins_per_s: z.number(),
})
export type BcryptRound = z.infer<typeof bcryptRound>
const bcrypt = stamp.extend({ cores: z.number(), rounds: z.array(bcryptRound) })

/** Of the server's process, sampled over a whole turn, and the kernel's own high-water mark at its end. MiB. */
const memoryRound = z.object({ ready_mib: z.number(), sampled_mib: z.number(), peak_mib: z.number() })
export type MemoryRound = z.infer<typeof memoryRound>
const memory = stamp.extend({ rounds: z.array(memoryRound) })

const start = stamp.extend({ postgres: z.string(), first_ms: z.number(), warm_ms: z.array(z.number()) })

export const figures = z.object({
  machine: machine.optional(),
  throughput: throughput.optional(),
  rpc: rpc.optional(),
  bcrypt: bcrypt.optional(),
  memory: memory.optional(),
  start: start.optional(),
  growth: growth.optional(),
  growth_with_churn: growth.optional(),
  live: live.nullish(),
})
export type Figures = z.infer<typeof figures>

const anything = z.record(z.string(), z.unknown())

/** All that stands in the file, sections that other tools wrote among it. */
function readAll(): Record<string, unknown> {
  return existsSync(FILE) ? anything.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : {}
}

export function readFigures(): Figures {
  return figures.parse(readAll())
}

/** Replaces these sections and leaves the others as they are. */
export function writeSections(sections: Record<string, unknown>): void {
  writeFileSync(FILE, `${JSON.stringify({ ...readAll(), ...sections }, undefined, 2)}\n`)
}
