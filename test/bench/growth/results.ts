import type { PurgeResult } from './purging.js'
import type { Work } from './works.js'

export interface Point {
  readonly work: Work
  readonly empty_per_s: number
  readonly full_per_s: number
  readonly ratio_full: number
  readonly after_churn_per_s?: number
  readonly ratio_after_churn?: number
}

/** What was measured; null where it was not run. */
export interface Growth {
  readonly rows: number
  readonly users: number
  readonly points: readonly Point[]
  readonly churn: { readonly minutes: number; readonly confirmations: number } | null
  readonly purge: PurgeResult | null
}
