import { ApiError, RATE_LIMITS, type Budget, type Limiter, type RateLimit } from '@secure-messenger/api'
import { rateLimit, type ClientRateLimitInfo, type Store } from 'express-rate-limit'
import type { Redis } from '../redis.js'
import { CounterStore } from './counter-store.js'
import { SharedStore } from './shared-store.js'

const ALONE_RETRY_SECONDS = 5

/** Counts the calls of a subject in the window that is under way. */
export type Counter = Pick<Store, 'increment'> & Required<Pick<Store, 'get'>>

interface Row {
  readonly budget: Exclude<Budget, 'off'>
  /** Of this server. */
  readonly counter: Counter
  /** Where all instances count together. */
  readonly shared: SharedStore | undefined
}

/** A counter in this process's memory for each row that is not off. */
export function openCounters(budgets: Record<RateLimit, Budget>): Map<RateLimit, CounterStore> {
  const counters = new Map<RateLimit, CounterStore>()
  for (const limit of Object.keys(RATE_LIMITS).filter(isRateLimit)) {
    const budget = budgets[limit]
    if (budget === 'off') continue
    const store = new CounterStore()
    // Makes the store ready. The middleware itself stays unused: it counts HTTP requests, of which one may carry
    // many procedure calls.
    rateLimit({ windowMs: budget.windowSeconds * 1000, limit: budget.count, store })
    counters.set(limit, store)
  }
  return counters
}

/** The rows of the limits table, each counted in a store of express-rate-limit, once per procedure call. */
export class RateLimiter implements Limiter {
  private readonly rows = new Map<RateLimit, Row>()

  /**
   * @param counterOf - counts for this server
   * @param redis - where instances count together; without it each counts by itself
   */
  constructor(
    budgets: Record<RateLimit, Budget>,
    counterOf: (limit: RateLimit) => Counter | undefined,
    redis: Redis | undefined,
  ) {
    for (const limit of Object.keys(RATE_LIMITS).filter(isRateLimit)) {
      const [budget, counter] = [budgets[limit], counterOf(limit)]
      if (budget === 'off' || !counter) continue
      const shared = redis && new SharedStore(redis, limit, budget.windowSeconds * 1000)
      this.rows.set(limit, { budget, counter, shared })
    }
  }

  async take(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    if (!row) return
    const counted = await ask(limit, row, (counter) => counter.increment(subject))
    if (counted.totalHits > row.budget.count) throw spent(limit, row, counted)
  }

  async check(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    const counted = row && (await ask(limit, row, async (counter) => counter.get(subject)))
    if (row && counted && counted.totalHits >= row.budget.count) throw spent(limit, row, counted)
  }
}

/** Asks where all instances count; while that is away, each row says what then. */
async function ask<T>(
  limit: RateLimit,
  { counter, shared }: Row,
  question: (counter: Counter) => Promise<T> | T,
): Promise<T> {
  if (!shared) return question(counter)
  try {
    return await question(shared)
  } catch (cause) {
    if (RATE_LIMITS[limit].alone === 'refuse')
      throw new ApiError('unavailable', { retryAfterSeconds: ALONE_RETRY_SECONDS, cause })
    return question(counter)
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
