import { ApiError, RATE_LIMITS, type Budget, type Limiter, type RateLimit } from '@secure-messenger/api'
import { rateLimit, type ClientRateLimitInfo, type Store } from 'express-rate-limit'
import { CounterStore } from './counter-store.js'

interface Row {
  readonly budget: Exclude<Budget, 'off'>
  readonly store: Store
}

/** The rows of the limits table, each counted in a store of express-rate-limit, once per procedure call. */
export class RateLimiter implements Limiter {
  private readonly rows = new Map<RateLimit, Row>()

  constructor(budgets: Record<RateLimit, Budget>) {
    for (const limit of Object.keys(RATE_LIMITS).filter(isRateLimit)) {
      const budget = budgets[limit]
      if (budget === 'off') continue
      const store = new CounterStore()
      // Makes the store ready. The middleware itself stays unused: it counts HTTP requests, of which one may carry
      // many procedure calls.
      rateLimit({ windowMs: budget.windowSeconds * 1000, limit: budget.count, store })
      this.rows.set(limit, { budget, store })
    }
  }

  async take(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    if (!row) return
    const counted = await row.store.increment(subject)
    if (counted.totalHits > row.budget.count) throw spent(limit, row, counted)
  }

  async check(limit: RateLimit, subject: string): Promise<void> {
    const row = this.rows.get(limit)
    const counted = await row?.store.get?.(subject)
    if (row && counted && counted.totalHits >= row.budget.count) throw spent(limit, row, counted)
  }

  /** Ends the stores' timers. */
  stop(): void {
    for (const { store } of this.rows.values()) void store.shutdown?.()
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
