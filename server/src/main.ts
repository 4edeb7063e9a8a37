import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { Logger } from 'pino'
import { loadConfig, type Config } from './config.js'
import { explain, say, tell, warn } from './console.js'
import { findSource } from './database/source.js'
import { createLog, describeFault } from './log.js'
import type { Running } from './start.js'
import { Stopper } from './stopper.js'
import { isWorker } from './workers/worker.js'

/** A database of the server's own takes as long to start as everything else to load: both are done at once. */
async function beginAlone(config: Config, log: Logger): Promise<Running> {
  const loading = import('./start.js')
  // Told below; until then a failure would end the process and leave the database running.
  loading.catch(() => undefined)
  const source = await findSource(config, log)
  const { start } = await loading.catch(async (error: unknown) => {
    await source.close()
    throw error
  })
  return start(config, source, log, undefined)
}

/** The first of several processes: it listens, keeps the database, the counts and the workers, and serves nobody. */
async function beginPrimary(config: Config, log: Logger): Promise<Running> {
  const source = await findSource(config, log)
  try {
    const { Supervisor } = await import('./workers/supervisor.js')
    const supervisor = new Supervisor(config, source, log, fileURLToPath(import.meta.url))
    const started = await supervisor.start()
    return {
      ...started,
      async stop() {
        await supervisor.stop()
        await source.close()
      },
    }
  } catch (error) {
    await source.close()
    throw error
  }
}

async function beginWorker(config: Config, log: Logger): Promise<Running> {
  const { PrimaryLink } = await import('./workers/link.js')
  const link = new PrimaryLink()
  // One of the server's own was started by the first process, which knows how to reach it.
  const finding = config.databaseUrls ? findSource(config, log) : link.findSource()
  const [{ start }, source] = await Promise.all([import('./start.js'), finding])
  const running = await start(config, source, log, link)
  await link.tellStarted(running)
  return running
}

async function main(): Promise<void> {
  // In percent of what is alive: by itself V8 lets the heap grow to four times as much before it collects, and under
  // load that was 80 MB of garbage. With 50 the peak is 12 MB less than with 80, and a list of 50 takes no more of the
  // processor than without it (16 readers, five rounds in turns: 434 and 444 µs).
  setFlagsFromString('--heap-growing-percent=50')
  const config = loadConfig()
  const log = createLog(config.logLevel)
  // Where what is said cannot be written, on a full disk or into a pipe that nobody reads, the server goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  process.on('uncaughtException', (error) => {
    log.fatal(describeFault(error), 'the server ended on an error that nothing caught')
    process.exit(1)
  })
  if (isWorker()) {
    const stopper = new Stopper(() => undefined)
    const running = await beginWorker(config, log)
    return stopper.watch(() => running.stop())
  }
  warn(config)
  const stopper = new Stopper(say)
  const running = await (config.workers > 1 ? beginPrimary : beginAlone)(config, log)
  tell(running, config)
  stopper.watch(() => running.stop())
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})
