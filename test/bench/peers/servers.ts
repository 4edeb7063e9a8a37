import { mkdirSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster.js'
import type { Peer } from '../options.js'
import { FLOOR, VENV } from '../packages.js'
import { MAIN, NODE_ENVIRONMENT, NODE_FLAGS, own, SCRATCH } from '../places.js'
import { freePort, until, untilPortAnswers } from '../../harness/ports.js'
import { start, type Cleanup, type Started } from '../processes.js'

/** What a peer that listens may still do at its start, workers and pools. */
const SETTLE_MS = 1000
const SECRET = 'bench-only-secret-0123456789abcdef0123456789abcdef'

export type Server = Exclude<Peer, 'pgbench'>

export const DATABASES = {
  fastapi: 'bench_fastapi',
  'fastapi-lean': 'bench_lean',
  'node-pg-batch': 'bench_node',
  pgbench: 'bench_pgbench',
  relay: 'bench_relay',
} as const satisfies Record<Peer, string>

export interface Running extends Started {
  readonly port: number
}

/** As in production, but for limits and HTTPS; nothing of this shell's environment and of no .env reaches it. */
export function startRelay(
  cleanup: Cleanup,
  port: number,
  settings: Record<string, string>,
  main = MAIN,
): Started {
  const folder = path.join(SCRATCH, 'empty')
  mkdirSync(folder, { recursive: true })
  const environment = {
    ...NODE_ENVIRONMENT,
    SECRET_KEY: SECRET,
    HOST: '127.0.0.1',
    PORT: String(port),
    FORCE_HTTPS: 'false',
    LIMITS: 'off',
    ...settings,
  }
  return start(cleanup, process.execPath, [...NODE_FLAGS, main], { environment, folder, log: 'relay.log' })
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/ready', agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    request.once('error', () => resolve(false))
  })
}

export function untilReady(port: number, server: Started): Promise<void> {
  return until('The server', () => isReady(port), server.ended)
}

function launch(
  cleanup: Cleanup,
  peer: Server,
  port: number,
  url: string,
  benchDir: string | undefined,
): Started {
  if (peer === 'relay') return startRelay(cleanup, port, { DATABASE_URL: url })
  if (!benchDir) throw new Error(`${peer} needs BENCH_DIR.`)
  if (peer === 'node-pg-batch')
    return start(cleanup, process.execPath, [path.join(FLOOR, 'relay.mjs'), String(port), url, '1'], {
      environment: { BATCH: '1' },
      log: `${peer}.log`,
    })
  const asyncUrl = url.replace('postgresql:', 'postgresql+asyncpg:')
  return start(cleanup, path.join(benchDir, 'peer_fastapi/start.sh'), [String(port), asyncUrl], {
    environment: { VENV, ...(peer === 'fastapi-lean' && { PEER_LEAN: '1' }) },
    log: `${peer}.log`,
  })
}

/** Starts the peer on its database, and gives it a week's messages once it has made its tables. */
export async function startServer(
  cleanup: Cleanup,
  cluster: Cluster,
  peer: Server,
  benchDir: string | undefined,
): Promise<Running> {
  const port = await freePort()
  const database = DATABASES[peer]
  const server = launch(cleanup, peer, port, cluster.url(database), benchDir)
  if (peer === 'relay') await untilReady(port, server)
  else await untilPortAnswers(peer, port, server.ended)
  await sleep(SETTLE_MS)
  await cluster.runFile(
    database,
    peer === 'relay' ? own('relay-seed.sql') : path.join(benchDir ?? '', 'seed.sql'),
  )
  return { ...server, port }
}
