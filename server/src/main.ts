import { setFlagsFromString } from 'node:v8'
import type { Logger } from 'pino'
import { ConfigError, loadConfig, type Config } from './config.js'
import { UnsafeDatabaseError } from './database/checks.js'
import { DataFolderInUseError } from './database/embedded/lock.js'
import { findSource } from './database/source.js'
import { createLog, describeFault } from './log.js'
import type { Running } from './start.js'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function warn(config: Config): void {
  if (!config.limited) say('Warning: LIMITS=off. Nothing bounds how often anyone may ask.')
  if (config.production && !config.databaseUrl)
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

function tell({ address, database, secret }: Running): void {
  say(
    [
      `Secure Messenger relay is listening on ${address}`,
      `  reference  ${address}/docs`,
      `  database   ${database}`,
      `  secret     ${secret}`,
      'Ctrl-C ends it.',
    ].join('\n'),
  )
}

/** What a person can do something about is said in words; of anything else, where it came from. */
function explain(error: unknown): string {
  const ours =
    error instanceof ConfigError ||
    error instanceof UnsafeDatabaseError ||
    error instanceof DataFolderInUseError
  if (ours) return error.message
  if (!(error instanceof Error)) return 'The server could not start.'
  if ('code' in error && error.code === 'EADDRINUSE')
    return 'The port is in use by another program. Set PORT to another.'
  return `The server could not start: ${error.message}`
}

/** Stops the server at a signal; one that comes during the start counts once the start is done. */
class Stopper {
  private running: Running | undefined
  private asked = false
  private stopping = false

  constructor(private readonly log: Logger) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.ask())
  }

  watch(running: Running): void {
    this.running = running
    if (this.asked) this.ask()
  }

  private ask(): void {
    this.asked = true
    if (!this.running || this.stopping) return
    this.stopping = true
    say('Stopping: answering what was accepted, then closing the database.')
    this.running.stop().then(
      () => {
        // Its last lines come before the last word.
        this.log.flush()
        say('Stopped.')
        process.exit(0)
      },
      (error: unknown) => {
        process.stderr.write(`${explain(error)}\n`)
        process.exit(1)
      },
    )
  }
}

/** A database of the server's own takes as long to start as everything else to load: both are done at once. */
async function begin(config: Config, log: Logger): Promise<Running> {
  const loading = import('./start.js')
  // Told below; until then a failure would end the process and leave the database running.
  loading.catch(() => undefined)
  const source = await findSource(config, log)
  const { start } = await loading.catch(async (error: unknown) => {
    await source.close()
    throw error
  })
  return start(config, source, log)
}

async function main(): Promise<void> {
  // In percent of what is alive: by itself V8 lets the heap grow to four times as much before it collects, and under
  // load that was 80 MB of garbage.
  setFlagsFromString('--heap-growing-percent=80')
  const config = loadConfig()
  const log = createLog(config.logLevel)
  process.on('uncaughtException', (error) => {
    log.fatal(describeFault(error), 'the server ended on an error that nothing caught')
    process.exit(1)
  })
  warn(config)
  const stopper = new Stopper(log)
  const running = await begin(config, log)
  tell(running)
  stopper.watch(running)
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})
