import { inject } from 'vitest'
import { startHere } from './in-process.js'
import { spawnServer, type ServerProcess, type TestServer } from './process.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Servers are started in the tests' own process, out of the sources, where mutants can be put into them. */
    inProcess: boolean
  }
}

/** Tests that need a process, or many seconds, are left out then. */
export const inProcess = inject('inProcess')

/** A server of a test's own, with these settings and no others. */
export function startServer(settings: Record<string, string>, options: { cwd?: string } = {}): TestServer {
  return inProcess ? startHere(settings) : spawnServer(settings, options)
}

export function isProcess(server: TestServer): server is ServerProcess {
  return 'child' in server
}
