import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { Cluster } from '../cluster.js'
import type { Round, Work } from '../document/figures.js'
import { WARM_WINDOW_SECONDS, WARMUP_SECONDS } from '../options.js'
import { SCRATCH } from '../places.js'
import { run, type Cleanup } from '../processes.js'
import type { Running, Server } from './servers.js'

const core = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined)
const result = z.object({
  phase: z.string(),
  conc: z.number(),
  rate: z.number(),
  p50_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
  max_ms: z.number().nullable(),
  cpu_server: core,
  cpu_pg: core,
  cpu_load: core,
  cpu_other: core,
  rss_mib: core,
})
const report = z.object({
  results: z.array(result),
  integrity: z.looseObject({ sent: z.number(), confirmed: z.number() }),
})

const WORK_OF: Partial<Record<string, Work>> = {
  send: 'send',
  'relay cycle': 'relay cycle',
  'fetch 50': 'list 50',
  'public-key': 'public key',
  login: 'login',
  'me alone': 'me',
  'me in 8 logins': 'me during 8 logins',
}

export interface Measured {
  readonly points: readonly { readonly work: Work; readonly concurrency: number; readonly round: Round }[]
  readonly sent: number
  readonly confirmed: number
}

function toRound({ phase, rate, p50_ms, p99_ms, max_ms, ...use }: z.infer<typeof result>): Round {
  if (p50_ms === null || p99_ms === null || max_ms === null)
    throw new Error(`nothing was measured of ${phase}`)
  const named = {
    cpu_server: use.cpu_server,
    cpu_postgres: use.cpu_pg,
    cpu_load: use.cpu_load,
    cpu_others: use.cpu_other,
    rss_mib: use.rss_mib,
  }
  const known = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
  return { per_s: rate, p50_ms, p99_ms, max_ms, ...known }
}

interface Load {
  readonly cleanup: Cleanup
  readonly cluster: Cluster
  readonly peer: Server
  readonly server: Running
  readonly benchDir: string
}

/** As load.mjs calls its works. */
export type Phase = 'send' | 'relay' | 'fetch' | 'pubkey' | 'login' | 'mixed'

const MESSAGES: readonly Phase[] = ['send', 'relay', 'fetch', 'pubkey']

/** The peers' own load generator on a server. */
export async function runLoadMjs(
  { cleanup, cluster, peer, server, benchDir }: Load,
  phases: readonly Phase[],
  seconds: number,
): Promise<Measured> {
  const file = path.join(SCRATCH, 'load.json')
  rmSync(file, { force: true })
  const whom = ['--base', `http://127.0.0.1:${server.port}`, '--label', peer, '--list', 'messages']
  const what = [
    '--phases',
    phases.join(','),
    '--seconds',
    String(seconds),
    '--warmup',
    String(WARMUP_SECONDS),
  ]
  const watched = ['--pid', String(server.pid), '--pg-pid', String(cluster.pid), '--json', file]
  // It ends with 1 on any answer that is no 2xx and any message lost, changed, doubled or misdelivered; then this throws.
  await run(cleanup, process.execPath, [path.join(benchDir, 'load.mjs'), ...whom, ...what, ...watched])
  const { results, integrity } = report.parse(JSON.parse(readFileSync(file, 'utf8')))
  const points = results.flatMap((measured) => {
    const work = WORK_OF[measured.phase]
    return work ? [{ work, concurrency: measured.conc, round: toRound(measured) }] : []
  })
  return { points, sent: integrity.sent, confirmed: integrity.confirmed }
}

/** The same work unmeasured: a server that runs for days is not measured while its code is still being compiled. */
export async function warmUp(load: Load): Promise<void> {
  await runLoadMjs(load, MESSAGES, WARM_WINDOW_SECONDS)
}
