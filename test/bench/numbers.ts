/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  if (low === undefined || high === undefined) throw new Error('no median of nothing')
  return (low + high) / 2
}

/** Of values in ascending order. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
}

/** To hundredths: what is behind them is noise. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** With as many decimals as tell something. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** Median, and minimum to maximum where there are several. */
export function shownSpread(spread: Spread | undefined): string {
  if (!spread) return 'not run'
  const { min, max } = spread
  return min === max ? shown(spread.median) : `${shown(spread.median)} (${shown(min)}–${shown(max)})`
}
