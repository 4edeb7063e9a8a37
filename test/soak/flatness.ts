import { median, percentile } from '../bench/numbers.js'
import { QUANTITIES, type Quantity, type Sample } from './sample.js'

/** Growth from the middle of a run to its end that still counts as flat: a share, and what is nothing anyway. */
const ALLOWED: Readonly<Record<Quantity, { readonly share: number; readonly least: number }>> = {
  heap_mib: { share: 0.2, least: 8 },
  resident_mib: { share: 0.15, least: 16 },
  handles: { share: 0.2, least: 10 },
  open_files: { share: 0.2, least: 10 },
  connections: { share: 0.2, least: 4 },
  rows: { share: 0.15, least: 0 },
  table_mib: { share: 0.15, least: 1 },
  indexes_mib: { share: 0.15, least: 1 },
  index_pages_mib: { share: 0.15, least: 1 },
}

/**
 * What requests that are under way hold is in some samples, what is never given back in all: of these the tenth that had
 * least counts. Of the others the median does.
 */
const MOMENTARY: ReadonlySet<Quantity> = new Set(['handles', 'open_files'])

export interface Course {
  readonly middle: number
  readonly end: number
  readonly flat: boolean
}

/** What was held around the middle of a run, and at its end. */
function courseOf(quantity: Quantity, samples: readonly Sample[]): Course {
  const between = (from: number, to: number): number => {
    const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
    const held = part.map((sample) => sample[quantity]).toSorted((a, b) => a - b)
    return Number((MOMENTARY.has(quantity) ? percentile(held, 0.1) : median(held)).toFixed(1))
  }
  const [middle, end] = [between(0.45, 0.6), between(0.85, 1)]
  const { share, least } = ALLOWED[quantity]
  return { middle, end, flat: end - middle <= Math.max(middle * share, least) }
}

/** How each quantity went, and whether that was flat. */
export function judge(samples: readonly Sample[]): Record<string, Course> {
  return Object.fromEntries(QUANTITIES.map((quantity) => [quantity, courseOf(quantity, samples)]))
}
