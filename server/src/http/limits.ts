import { ApiError, RATE_LIMITS, type Budget, type Limiter, type RateLimit } from '@secure-messenger/api'
import { rateLimit, type ClientRateLimitInfo, type Store } from 'express-rate-limit'
import type { Redis } from '../redis.js'
import { CounterStore } from './counter-store.js'
import { SharedStore } from './shared-store.js'

const ALONE_RETRY_SECONDS = 5

interface Row {
  readonly budget: Exclude<Budget, 'off'>
  readonly store: Store
  /** Where all instances count together. */
  readonly shared: SharedStore | undefined
}

/** The rows of the limits table, each counted in a store of express-rate-limit, once per procedure call. */
export class RateLimiter implements Limiter {
  private readonly rows = new Map<RateLimit, Row>()

  /** @param redis - where instances count together; without it each counts by itself */
  constructor(budgets: Record<RateLimit, Budget>, redis: Redis | undefined) {
    for (const limit of Object.keys(RATE_LIMITS).filter(isRateLimit)) {
      const budget = budgets[limit]
      if (budget === 'off') continue
      const store = new CounterStore()
      // Makes the store ready. The middleware itself stays unused: it counts HTTP requests, of which one may carry
      // many procedure calls.
      const windowMs = budget.windowSeconds * 1000
      rateLimit({ windowMs, limit: budget.count, store })
      const shared = redis && new SharedStore(redis, limit, windowMs)
      this.rows.set(limit, { budget, store, shared })
    }
  }

  async take(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    if (!row) return
    const counted = await ask(limit, row, (store) => store.increment(subject))
    if (counted.totalHits > row.budget.count) throw spent(limit, row, counted)
  }

  async check(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    const counted = row && (await ask(limit, row, async (store) => store.get?.(subject)))
    if (row && counted && counted.totalHits >= row.budget.count) throw spent(limit, row, counted)
  }

  /** Ends the stores' timers. */
  stop(): void {
    for (const { store } of this.rows.values()) void store.shutdown?.()
  }
}

/** Asks where all instances count; while that is away, each row says what then. */
async function ask<T>(
  limit: RateLimit,
  { store, shared }: Row,
  question: (store: Pick<Store, 'increment' | 'get'>) => Promise<T> | T,
): Promise<T> {
  if (!shared) return question(store)
  try {
    return await question(shared)
  } catch (cause) {
    if (RATE_LIMITS[limit].alone === 'refuse')
      throw new ApiError('unavailable', { retryAfterSeconds: ALONE_RETRY_SECONDS, cause })
    return question(store)
  }
}

function isRateLimit(name: string): name is RateLimit {
  return name in RATE_LIMITS
}

function spent(limit: RateLimit, { budget }: Row, { resetTime }: ClientRateLimitInfo): ApiError {
  const resetMs = resetTime ? resetTime.getTime() - Date.now() : budget.windowSeconds * 1000
  return new ApiError('rate_limited', {
    retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    limit: { name: limit, ...budget },
  })
}
