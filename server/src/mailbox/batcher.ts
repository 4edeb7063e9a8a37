import { ApiError } from '@secure-messenger/api'
import { isPassing, unavailable } from '../database/faults.js'
import type { Clock } from '../clock.js'

/** What became of one item of a batch. */
export type Outcome<Out> = Out | ApiError

interface Entry<In, Out> {
  readonly item: In
  readonly arrivedAt: number
  readonly resolve: (result: Out) => void
  readonly reject: (error: unknown) => void
}

interface BatcherOptions<In, Out> {
  /** Does a whole batch; outcomes in the order of the items. It must be safe to repeat. */
  readonly perform: (items: readonly In[]) => Promise<Outcome<Out>[]>
  readonly clock: Clock
}

const MAX_BATCH = 64
const MAX_WAITING = 20_000
/** An item that waited this long is refused rather than begun: its client gives up soon. */
const MAX_WAIT_MS = 8000
/** A batch younger than this is tried again after an error that passes. */
const RETRY_WITHIN_MS = 3000

/**
 * Work that arrives while the last batch is under way goes into the next one: one statement and one commit for
 * all of it, and no artificial delay. idle → under way → (something waits: under way again) → idle.
 * An item of a batch that fails never fails its neighbours: the batch is done again one by one.
 */
export class Batcher<In, Out> {
  private waiting: Entry<In, Out>[] = []
  private underWay = false

  constructor(private readonly options: BatcherOptions<In, Out>) {}

  add(item: In): Promise<Out> {
    if (this.waiting.length >= MAX_WAITING) return Promise.reject(unavailable())
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, arrivedAt: this.options.clock(), resolve, reject })
      if (!this.underWay) void this.work()
    })
  }

  private async work(): Promise<void> {
    this.underWay = true
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_BATCH)
      this.waiting = this.waiting.slice(MAX_BATCH)
      await this.settle(batch)
    }
    this.underWay = false
  }

  private async settle(batch: readonly Entry<In, Out>[]): Promise<void> {
    const now = this.options.clock()
    const alive = batch.filter((entry) => {
      const inTime = now - entry.arrivedAt < MAX_WAIT_MS
      if (!inTime) entry.reject(unavailable())
      return inTime
    })
    if (alive.length === 0) return
    const outcomes = await this.perform(alive.map(({ item }) => item))
    alive.forEach((entry, index) => {
      const outcome = outcomes[index]
      if (outcome === undefined) entry.reject(new Error('a batch answered for fewer items than it had'))
      else if (outcome instanceof ApiError) entry.reject(outcome)
      else entry.resolve(outcome)
    })
  }

  /** Never throws: what cannot be done becomes each item's outcome. */
  private async perform(items: readonly In[]): Promise<Outcome<Out>[]> {
    const startedAt = this.options.clock()
    try {
      return await this.options.perform(items)
    } catch (error) {
      if (!isPassing(error)) return this.performSingly(items, error)
      if (this.options.clock() - startedAt > RETRY_WITHIN_MS) return items.map(() => unavailable(error))
      return this.performAgain(items)
    }
  }

  private async performAgain(items: readonly In[]): Promise<Outcome<Out>[]> {
    try {
      return await this.options.perform(items)
    } catch (error) {
      return isPassing(error) ? items.map(() => unavailable(error)) : this.performSingly(items, error)
    }
  }

  private async performSingly(items: readonly In[], error: unknown): Promise<Outcome<Out>[]> {
    if (items.length === 1) return [new ApiError('internal_error', { cause: error })]
    const outcomes: Outcome<Out>[] = []
    for (const item of items) outcomes.push(...(await this.perform([item])))
    return outcomes
  }
}
