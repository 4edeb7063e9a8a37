import type { Worker } from 'node:cluster'
import type { RateLimit } from '@secure-messenger/api'
import type { ClientRateLimitInfo } from 'express-rate-limit'
import { AggregatorRegistry } from 'prom-client'
import type { Config } from '../config.js'
import type { Source } from '../database/source.js'
import { CounterStore } from '../http/counter-store.js'
import { openCounters } from '../http/limits.js'
import { PlaceCounts } from '../mailbox/open-places.js'
import { asked, type CountAnswer, type Question, type Started } from './messages.js'

type Answer = Omit<Source, 'close'> | CountAnswer | boolean | string

/** What workers tell of themselves. */
interface DeskEvents {
  started(worker: Worker, started: Started): void
  leaving(worker: Worker): void
}

/** The primary's side of what its workers ask: here they count together. */
export class Desk {
  private readonly counters: Map<RateLimit, CounterStore>
  private readonly places: PlaceCounts
  /** For each worker, who entered there. */
  private readonly entered = new Map<number, PlaceCounts>()
  private readonly metrics = new AggregatorRegistry()

  constructor(
    config: Config,
    private readonly source: Source,
    private readonly events: DeskEvents,
  ) {
    this.counters = openCounters(config.rates)
    this.places = new PlaceCounts(config.caps.open)
  }

  /** Answers a worker until it ends; then the places that it held are free. */
  serve(worker: Worker): void {
    worker.on('message', (message: unknown) => void this.hear(worker, message))
    worker.once('exit', () => {
      for (const userId of this.entered.get(worker.id)?.empty() ?? []) this.places.leave(userId)
      this.entered.delete(worker.id)
    })
  }

  /** Ends the counters' timers. */
  close(): void {
    for (const counter of this.counters.values()) counter.shutdown()
  }

  private async hear(worker: Worker, message: unknown): Promise<void> {
    const { data } = asked.safeParse(message)
    if (!data) return
    const { number, question } = data
    const reply = await this.answer(worker, question).then(
      (answer) => ({ number, failed: false, answer }),
      () => ({ number, failed: true }),
    )
    // A worker that ended meanwhile needs no answer, and throws at whoever has one.
    if (worker.isConnected()) worker.send(reply, () => undefined)
  }

  // oxlint-disable-next-line typescript/consistent-return -- the compiler sees that no case is left out
  private async answer(worker: Worker, question: Question): Promise<Answer> {
    switch (question.about) {
      case 'source':
        return {
          description: this.source.description,
          connection: this.source.connection,
          folders: this.source.folders,
        }
      case 'started':
        this.events.started(worker, question.started)
        return true
      case 'leaving':
        this.events.leaving(worker)
        return true
      case 'count':
        return toAnswer(await this.counters.get(question.limit)?.increment(question.subject))
      case 'counted':
        return toAnswer(await this.counters.get(question.limit)?.get(question.subject))
      case 'enter':
        return this.enter(worker, question.userId)
      case 'leave':
        this.leave(worker, question.userId)
        return true
      case 'metrics':
        return this.metrics.clusterMetrics()
    }
  }

  private enter(worker: Worker, userId: string): boolean {
    if (!this.places.enter(userId)) return false
    const entered = this.entered.get(worker.id) ?? new PlaceCounts('off')
    this.entered.set(worker.id, entered)
    return entered.enter(userId)
  }

  private leave(worker: Worker, userId: string): void {
    this.entered.get(worker.id)?.leave(userId)
    this.places.leave(userId)
  }
}

function toAnswer(counted: ClientRateLimitInfo | undefined): CountAnswer {
  return counted ? { totalHits: counted.totalHits, resetMs: counted.resetTime?.getTime() ?? 0 } : null
}
