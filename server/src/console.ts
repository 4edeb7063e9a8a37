import { ConfigError, type Config } from './config.js'
import { UnsafeDatabaseError } from './database/checks.js'
import { DataFolderInUseError } from './database/embedded/lock.js'
import type { Running } from './start.js'
import { NoWorkerError } from './workers/worker.js'

// What the person who starts the server reads; the log is for programs.

export const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Says what was set that is unusual and may be meant. */
export function warn(config: Config): void {
  if (!config.limited) say('Warning: LIMITS=off. Nothing bounds how often anyone may ask.')
  if (config.production && !config.databaseUrls)
    say(
      'Warning: DATABASE_URL is not set. Messages are kept in a database of this machine alone, in DATA_DIR.',
    )
  if (config.production && config.forceHttps && !config.tls && !config.trustedProxies)
    say(
      'Warning: plain HTTP is refused, and neither TLS_CERT_FILE nor TRUST_PROXY is set: nothing but /health and /ready will be answered.',
    )
  if (config.allowUnsafeDatabase)
    say('Warning: ALLOW_UNSAFE_DATABASE=true. Acknowledged messages may be lost.')
}

export function tell({ address, database, secret }: Running, { workers }: Config): void {
  say(
    [
      `Secure Messenger relay is listening on ${address}`,
      `  reference  ${address}/docs`,
      `  database   ${database}`,
      `  secret     ${secret}`,
      ...(workers > 1 ? [`  workers    ${workers}`] : []),
      'Ctrl-C ends it.',
    ].join('\n'),
  )
}

/** What a person can do something about is said in words; of anything else, where it came from. */
export function explain(error: unknown): string {
  const ours =
    error instanceof ConfigError ||
    error instanceof UnsafeDatabaseError ||
    error instanceof DataFolderInUseError
  if (ours) return error.message
  if (error instanceof NoWorkerError) return 'No worker came up; what it said stands above.'
  if (!(error instanceof Error)) return 'The server could not start.'
  if ('code' in error && error.code === 'EADDRINUSE')
    return 'The port is in use by another program. Set PORT to another.'
  return `The server could not start: ${error.message}`
}
