import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { spawnServer } from '../harness/process.js'
import { SECRET_KEY } from '../harness/tokens.js'

interface ServerOptions {
  readonly databaseUrl: string
  readonly settings?: Record<string, string>
  /** The guard that the server lacks: a program of the folder of this name. */
  readonly without?: string
}

/** A server for as long as a test runs. @returns its address */
export async function startServer({ databaseUrl, settings, without }: ServerOptions): Promise<string> {
  const main = without && fileURLToPath(new URL(`without/${without}.mjs`, import.meta.url))
  const server = spawnServer(
    { SECRET_KEY, DATABASE_URL: databaseUrl, LIMITS: 'off', LOG_LEVEL: 'warn', ...settings },
    main ? { main } : {},
  )
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.ended
  })
  return server.listening
}
