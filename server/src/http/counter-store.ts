import { MemoryStore, type ClientRateLimitInfo } from 'express-rate-limit'

/**
 * express-rate-limit's store in memory, whose answers stay as they were. Its own `increment` hands out the live
 * counter: of several calls at once each would read the hits of all, and the allowed ones would be refused with the
 * others.
 */
export class CounterStore extends MemoryStore {
  override async increment(key: string): Promise<ClientRateLimitInfo> {
    const counted = super.increment(key)
    // It counts before it first yields, so the counter holds this very call now.
    const { totalHits, resetTime } = this.current.get(key) ?? (await counted)
    return { totalHits, resetTime }
  }
}
