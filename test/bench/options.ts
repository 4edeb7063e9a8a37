import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'

/** Parts of the measurement, each with its own section in the figures. */
export const SECTIONS = ['throughput', 'rpc', 'bcrypt', 'memory', 'start'] as const
export type Section = (typeof SECTIONS)[number]

/** The sections that put load on the server. */
const LOADS: readonly Section[] = ['throughput', 'rpc', 'bcrypt']

/** Who takes turns, in this order. Those of another folder need BENCH_DIR. */
export const PEERS = ['fastapi', 'pgbench', 'relay', 'fastapi-lean', 'node-pg-batch'] as const
export type Peer = (typeof PEERS)[number]

/** Before each window, with its own load. */
export const WARMUP_SECONDS = 0.8
/** For each work of a pass that warms a server up before its turn. */
export const WARM_WINDOW_SECONDS = 1
/** Windows of each door, there and back: one long one would tell the machine's seconds and not the doors'. */
export const DOOR_TURNS = 3
/** Logins are a few per second: a longer window, or one login more or less would be several per cent. */
export const LOGIN_WINDOW_FACTOR = 3

const USAGE = `pnpm bench [--rounds N] [--seconds N] [--peers a,b] [--only a,b] [--render]
  --rounds   turns of each peer; 3
  --seconds  measured seconds per point; 3
  --peers    of ${PEERS.join(', ')}
  --only     of ${SECTIONS.join(', ')}
  --render   measures nothing: writes the document from docs/performance.json
BENCH_DIR names the folder of the peers; without it this server and pgbench are measured alone.`

function listOf<T extends string>(names: readonly [T, ...T[]]) {
  return z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(names)).min(1))
    .transform((chosen) => names.filter((name) => chosen.includes(name)))
}

const given = z.object({
  rounds: z.coerce.number().int().min(1).max(50).default(3),
  seconds: z.coerce.number().min(0.5).max(60).default(3),
  peers: listOf(PEERS).optional(),
  only: listOf(SECTIONS).default([...SECTIONS]),
  render: z.boolean().default(false),
  benchDir: z
    .string()
    .transform((folder) => path.resolve(folder))
    .optional(),
})

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly peers: readonly Peer[]
  readonly sections: readonly Section[]
  readonly renderOnly: boolean
  /** The folder of the peers. */
  readonly benchDir: string | undefined
  /** As somebody would type it again. */
  readonly command: string
}

export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}\n\n${USAGE}`)
  }
}

function readArguments(args: string[]): Record<string, string | boolean | undefined> {
  const text = { type: 'string' } as const
  try {
    const options = {
      rounds: text,
      seconds: text,
      peers: text,
      only: text,
      render: { type: 'boolean' },
    } as const
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'Wrong arguments.')
  }
}

function choosePeers(
  asked: readonly Peer[] | undefined,
  sections: readonly Section[],
  benchDir?: string,
): Peer[] {
  if (!sections.includes('throughput')) return ['relay']
  const possible = PEERS.filter((peer) => benchDir ?? (peer === 'relay' || peer === 'pgbench'))
  const missing = asked?.filter((peer) => !possible.includes(peer)) ?? []
  if (missing.length > 0) throw new UsageError(`Without BENCH_DIR there is no ${missing.join(', ')}.`)
  return asked ? [...asked] : possible
}

export function readOptions(args: string[], environment: NodeJS.ProcessEnv): Options {
  const parsed = given.safeParse({ ...readArguments(args), benchDir: environment['BENCH_DIR'] || undefined })
  if (!parsed.success)
    throw new UsageError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
    )
  const { rounds, seconds, peers, only, render, benchDir } = parsed.data
  if (only.includes('memory') && !LOADS.every((name) => only.includes(name)))
    throw new UsageError(
      'memory is what the server holds under throughput, rpc and bcrypt: ask for these too.',
    )
  if (benchDir && !existsSync(path.join(benchDir, 'load.mjs')))
    throw new UsageError('BENCH_DIR names no folder with the peers: there is no load.mjs.')
  const chosen = choosePeers(peers, only, benchDir)
  if (!chosen.includes('relay') && only.some((name) => name !== 'throughput' && name !== 'start'))
    throw new UsageError('rpc, bcrypt and memory are measured in the turns of relay: add it to --peers.')
  const flags = args.length > 0 ? ` ${args.join(' ')}` : ''
  const command = `${benchDir ? 'BENCH_DIR=… ' : ''}pnpm bench${flags}`
  return { rounds, seconds, peers: chosen, sections: only, renderOnly: render, benchDir, command }
}
