import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY } from '../harness/tokens.js'

interface ServerOptions {
  readonly databaseUrl: string
  readonly settings?: Record<string, string>
  /** The guard that the server lacks: a program of the folder of this name. */
  readonly without?: string
}

/** A server for as long as a test runs, listening. */
export async function startProcess({
  databaseUrl,
  settings,
  without,
}: ServerOptions): Promise<ServerProcess> {
  const main = without && fileURLToPath(new URL(`without/${without}.mjs`, import.meta.url))
  const server = spawnServer(
    { SECRET_KEY, DATABASE_URL: databaseUrl, LIMITS: 'off', LOG_LEVEL: 'warn', ...settings },
    main ? { main } : {},
  )
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.ended
  })
  await server.listening
  return server
}

/** @returns its address */
export async function startServer(options: ServerOptions): Promise<string> {
  return (await startProcess(options)).listening
}
