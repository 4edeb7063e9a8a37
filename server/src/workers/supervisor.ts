import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../config.js'
import type { Source } from '../database/source.js'
import { addressOf } from '../http/address.js'
import { Desk } from './desk.js'
import { Entrance } from './entrance.js'
import type { Started } from './messages.js'
import { NoWorkerError, WORKER_ARGUMENT } from './worker.js'

const RESTART_PAUSE_MS = 1000

interface Forked {
  /** Undefined where it ended before. */
  readonly started: Promise<Started | undefined>
  readonly ended: Promise<void>
}

function untilExit(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.once('exit', () => resolve()))
}

/** Keeps a number of workers of one server: starting → serving → (ended) → starting …, until it is stopped. */
export class Supervisor {
  private readonly desk: Desk
  private readonly entrance = new Entrance()
  private readonly starting = new Map<number, (started: Started) => void>()
  private readonly stopping = new AbortController()
  private keeping: Promise<void>[] = []

  /** @param entry - the file that a worker runs */
  constructor(
    private readonly config: Config,
    source: Source,
    private readonly log: Logger,
    entry: string,
  ) {
    this.desk = new Desk(config, source, {
      started: (worker, started) => {
        this.entrance.open(worker)
        this.log.info('a worker serves')
        this.starting.get(worker.id)?.(started)
      },
      leaving: (worker) => this.entrance.leave(worker),
    })
    cluster.setupPrimary({ exec: entry, args: [WORKER_ARGUMENT] })
  }

  /**
   * Starts one worker, listens, and starts the others, so that what is wrong is said once.
   *
   * @throws NoWorkerError
   */
  async start(): Promise<Started & { readonly address: string }> {
    const first = this.fork()
    const started = await first.started
    if (!started) throw new NoWorkerError()
    const port = await this.listen()
    this.keeping = Array.from({ length: this.config.workers }, (_, at) =>
      this.keep(at === 0 ? first : undefined),
    )
    return { ...started, address: addressOf(this.config, port) }
  }

  /** Has all workers answer what they accepted, and end. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.entrance.close()
    this.endWorkers()
    await Promise.all(this.keeping)
    this.desk.close()
  }

  private endWorkers(): void {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
  }

  private async listen(): Promise<number> {
    try {
      return await this.entrance.listen(this.config.port, this.config.host)
    } catch (error) {
      this.endWorkers()
      throw error
    }
  }

  /** One worker after another, in one place. */
  private async keep(given: Forked | undefined): Promise<void> {
    const { signal } = this.stopping
    for (let forked = given ?? this.fork(); ; forked = this.fork()) {
      await forked.ended
      if (signal.aborted) return
      this.log.error('a worker ended unexpectedly; starting another')
      await sleep(RESTART_PAUSE_MS, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
    }
  }

  private fork(): Forked {
    const worker = cluster.fork()
    this.desk.serve(worker)
    const ended = untilExit(worker)
    const started = new Promise<Started | undefined>((resolve) => {
      this.starting.set(worker.id, resolve)
      void ended.then(() => resolve(undefined))
    })
    void ended.then(() => this.starting.delete(worker.id))
    return { started, ended }
  }
}
