import { ApiError } from '@secure-messenger/api'
import { isPassing, persist, sqlState, unavailable } from './faults.js'

/** What became of one item of a batch. */
export type Outcome<Out> = Out | ApiError

interface Entry<In, Out> {
  readonly item: In
  readonly bytes: number
  readonly settle: (outcome: Outcome<Out>) => void
  /** Its client was told already that it takes too long. */
  expired: boolean
}

interface BatcherOptions<In, Out> {
  /** Does a whole batch; outcomes in the order of the items. It must be safe to repeat. */
  readonly perform: (items: readonly In[]) => Promise<Outcome<Out>[]>
  /** Bytes that an item keeps in memory while it waits. */
  readonly weigh: (item: In) => number
  /** Batches under way at once: where each waits for the disk, two share a flush. */
  readonly atOnce: number
  /** Items of a batch at most, however many are open; 64 where nothing is said. */
  readonly maxItems?: number
}

const MAX_BATCH = 64
/** Of what waits and is under way: more is shared by batches, so that the loop serves one while the database does the other. */
const MIN_SHARED = 32
const MAX_WAITING = 20_000
const MAX_WAITING_BYTES = 67_108_864
/** From arrival to answer. What is not done by then may be or may not: the client is told to try again. */
const DEADLINE_MS = 12_000

/**
 * Work that arrives in one turn of the event loop, or while as many batches are under way as may be, goes into one
 * batch, but for what is more than its share: one statement and one commit, and no artificial delay. A worker is idle →
 * under way → (something waits: under way again) → idle. (Begun with the first item and not with the turn, four batches of
 * ten held just one.)
 * An item of a batch that fails never fails its neighbours: the batch is done again one by one.
 */
export class Batcher<In, Out> {
  private waiting: Entry<In, Out>[] = []
  private waitingBytes = 0
  private underWay = 0
  private itemsUnderWay = 0
  private gathering = false

  constructor(private readonly options: BatcherOptions<In, Out>) {}

  add(item: In): Promise<Out> {
    const bytes = this.options.weigh(item)
    if (this.waiting.length >= MAX_WAITING || this.waitingBytes + bytes > MAX_WAITING_BYTES)
      return Promise.reject(unavailable())
    return new Promise((resolve, reject) => {
      const entry: Entry<In, Out> = {
        item,
        bytes,
        expired: false,
        settle: (outcome) => {
          clearTimeout(timer)
          if (outcome instanceof ApiError) reject(outcome)
          else resolve(outcome)
        },
      }
      const timer = setTimeout(() => {
        entry.expired = true
        reject(unavailable())
      }, DEADLINE_MS)
      this.waiting.push(entry)
      this.waitingBytes += bytes
      this.gather()
    })
  }

  /** Begins when this turn's input has been read. */
  private gather(): void {
    if (this.gathering || this.underWay >= this.options.atOnce) return
    this.gathering = true
    setImmediate(() => {
      this.gathering = false
      void this.work()
    })
  }

  private async work(): Promise<void> {
    this.underWay += 1
    while (this.waiting.length > 0) {
      const batch = this.take()
      this.itemsUnderWay += batch.length
      // What is left is the other batch's share, and waits for no newcomer to begin it.
      if (this.waiting.length > 0) this.gather()
      await this.settle(batch.filter(({ expired }) => !expired))
      this.itemsUnderWay -= batch.length
    }
    this.underWay -= 1
  }

  /** A batch's share of what is open, the oldest first. */
  private take(): Entry<In, Out>[] {
    const { atOnce, maxItems = MAX_BATCH } = this.options
    const share = Math.ceil((this.waiting.length + this.itemsUnderWay) / atOnce)
    const batch = this.waiting.splice(0, Math.min(maxItems, Math.max(MIN_SHARED, share)))
    for (const { bytes } of batch) this.waitingBytes -= bytes
    return batch
  }

  private async settle(batch: readonly Entry<In, Out>[]): Promise<void> {
    if (batch.length === 0) return
    const outcomes = await this.perform(batch)
    for (const [index, outcome] of outcomes.entries()) batch[index]?.settle(outcome)
    for (const entry of batch.slice(outcomes.length))
      entry.settle(new ApiError('internal_error', { cause: new Error('a batch lost an item') }))
  }

  /** Never throws: what cannot be done becomes each item's outcome. */
  private async perform(batch: readonly Entry<In, Out>[]): Promise<Outcome<Out>[]> {
    const items = batch.map(({ item }) => item)
    try {
      return await persist(() => this.options.perform(items))
    } catch (error) {
      // Rolled back again and again (class 40): some neighbour is in the way, and singly it is one item's matter.
      if (!isPassing(error) || sqlState(error)?.startsWith('40')) return this.performSingly(batch, error)
      return items.map(() => unavailable(error))
    }
  }

  private async performSingly(batch: readonly Entry<In, Out>[], error: unknown): Promise<Outcome<Out>[]> {
    if (batch.length === 1) {
      return [isPassing(error) ? unavailable(error) : new ApiError('internal_error', { cause: error })]
    }
    const outcomes: Outcome<Out>[] = []
    for (const entry of batch) {
      if (entry.expired) outcomes.push(unavailable())
      else outcomes.push(...(await this.perform([entry])))
    }
    return outcomes
  }
}
