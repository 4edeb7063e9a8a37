import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { OWNER, type Cluster } from '../cluster.js'
import type { Round, Work } from '../document/figures.js'
import { percentile, rounded } from '../numbers.js'
import type { Options } from '../options.js'
import { own, POSTGRES_BIN, SCRATCH } from '../places.js'
import { run, type Cleanup } from '../processes.js'
import { DATABASES } from './servers.js'
import type { Keep } from './round.js'

const CIPHERTEXT_BYTES = 768
const MICROSECONDS_PER_MS = 1000
const THREADS = 2

const POINTS = [
  { script: 'insert', work: 'send', clients: 1 },
  { script: 'insert', work: 'send', clients: 16 },
  { script: 'insert', work: 'send', clients: 64 },
  { script: 'relay', work: 'relay cycle', clients: 16 },
] as const satisfies readonly { script: string; work: Work; clients: number }[]

export type PgbenchScript = (typeof POINTS)[number]['script']

interface Files {
  readonly schema: string
  readonly seed: string
  script(name: string): string
}

function filesOf(benchDir: string | undefined): Files {
  const folder = benchDir ? path.join(benchDir, 'pgbench') : own('pgbench')
  return {
    schema: path.join(folder, 'schema.sql'),
    seed: benchDir ? path.join(benchDir, 'seed.sql') : path.join(folder, 'seed.sql'),
    script: (name) => path.join(folder, `${name}.sql`),
  }
}

/** Milliseconds of each transaction, in ascending order, out of pgbench's logs. */
function readLatencies(folder: string): number[] {
  const lines = readdirSync(folder).flatMap((name) =>
    readFileSync(path.join(folder, name), 'utf8').trim().split('\n'),
  )
  return lines
    .filter(Boolean)
    .map((line) => Number(line.split(' ')[2]) / MICROSECONDS_PER_MS)
    .toSorted((a, b) => a - b)
}

function readResult(output: string, latencies: readonly number[]): Round {
  const rate = /^tps = ([\d.]+)/m.exec(output)?.[1]
  const failed = /^number of failed transactions: (\d+)/m.exec(output)?.[1]
  if (rate === undefined || failed !== '0') throw new Error(`pgbench failed:\n${output}`)
  return {
    per_s: rounded(Number(rate)),
    p50_ms: rounded(percentile(latencies, 0.5)),
    p99_ms: rounded(percentile(latencies, 0.99)),
    max_ms: rounded(latencies.at(-1) ?? 0),
  }
}

interface PgbenchRun {
  readonly cleanup: Cleanup
  readonly cluster: Cluster
  readonly options: Options
  readonly keep: Keep
}

/** PostgreSQL's own speed: one transaction a row, without a server in front. */
export async function runPgbench(
  { cleanup, cluster, options, keep }: PgbenchRun,
  chosen: PgbenchScript,
): Promise<void> {
  const files = filesOf(options.benchDir)
  const database = DATABASES.pgbench
  const logs = path.join(SCRATCH, 'pgbench')
  await cluster.runFile(database, files.schema)
  // One ciphertext for all: it flatters the database, if anything.
  const ciphertext = randomBytes(CIPHERTEXT_BYTES).toString('base64')
  for (const { script, work, clients } of POINTS.filter((point) => point.script === chosen)) {
    await cluster.runFile(database, files.seed)
    await cluster.runText(database, `grant all on all tables in schema public to ${OWNER}`)
    rmSync(logs, { recursive: true, force: true })
    mkdirSync(logs, { recursive: true })
    const log = ['-l', '--log-prefix', path.join(logs, 'log')]
    const what = ['-n', '-M', 'prepared', '-D', `ct=${ciphertext}`, '-f', files.script(script)]
    const threads = Math.min(clients, THREADS)
    const load = ['-c', String(clients), '-j', String(threads), '-T', String(Math.ceil(options.seconds))]
    const place = ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', OWNER, '-d', database]
    const output = await run(cleanup, path.join(POSTGRES_BIN, 'pgbench'), [
      ...log,
      ...what,
      ...load,
      ...place,
    ])
    keep('pgbench', work, clients, readResult(output, readLatencies(logs)))
  }
}
