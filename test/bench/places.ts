import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
/** Whatever a run makes for itself; git does not see it. */
export const SCRATCH = path.join(REPOSITORY, 'data/bench')
export const LOGS = path.join(SCRATCH, 'logs')
/** As the image starts it. */
export const NODE_FLAGS = ['--max-semi-space-size=16']
export const NODE_ENVIRONMENT = { NODE_ENV: 'production', MALLOC_ARENA_MAX: '1' }
export const MAIN = path.join(REPOSITORY, 'server/dist/main.js')
export const POSTGRES_BIN = '/usr/lib/postgresql/15/bin'

/** A file beside this one. */
export function own(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
