import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { AsGiven } from './mutation/sequencer.js'

const SOURCES = fileURLToPath(new URL('../server/src/', import.meta.url))
const API = fileURLToPath(new URL('../packages/api/src/index.ts', import.meta.url))

/** Suites that try a part of the server by itself, and hand it the API's errors. */
const PARTS = fileURLToPath(new URL('mailbox/', import.meta.url))

/**
 * The server gets the API out of the sources, where mutants are. The tests get the one that was built: compared with
 * itself a mutant would look right. What they take from a mutated folder of the server, they take to try it.
 */
const sources: NonNullable<ViteUserConfig['plugins']>[number] = {
  name: 'sources',
  enforce: 'pre',
  resolveId(source, importer = '') {
    if (source === '@secure-messenger/api')
      return [SOURCES, PARTS].some((folder) => importer.startsWith(folder)) ? API : undefined
    const tried = /\/server\/dist\/((?:accounts|mailbox|directory|retention)\/.*)\.js$/.exec(source)?.[1]
    return tried && `${SOURCES}${tried}.ts`
  },
}

// For mutants: everything in one process and on one PostgreSQL, and nothing that needs a process of its own.
export default defineConfig({
  plugins: [sources],
  test: {
    globalSetup: './mutation/global-setup.ts',
    setupFiles: './mutation/setup.ts',
    provide: { inProcess: true },
    include: ['{rest,rpc,parity,limits,live,auth,retention,mailbox}/**/*.test.ts', 'database/shards.test.ts'],
    testTimeout: 8000,
    hookTimeout: 8000,
    pool: 'threads',
    // Loaded once for all files of a run.
    isolate: false,
    maxWorkers: 1,
    sequence: { sequencer: AsGiven },
  },
})
