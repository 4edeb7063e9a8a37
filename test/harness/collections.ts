const TRACE = `import{setFlagsFromString}from'node:v8';setFlagsFromString('--trace-gc')`

/** Settings of a server that tells each collection of its heap. */
export const TELLS_COLLECTIONS = {
  NODE_OPTIONS: `--import data:text/javascript,${TRACE}`,
  LOG_LEVEL: 'warn',
}

/** One collection, of the young generation or of the whole heap. */
export interface Collection {
  readonly isFull: boolean
  /** MB that were in use after it. */
  readonly left: number
}

const COLLECTION = /(Scavenge|Mark-Compact)(?: \(reduce\))? [\d.]+ \([\d.]+\) -> ([\d.]+) /g

/** What such a server said of its collections, in their order. */
export function readCollections(output: string): Collection[] {
  return [...output.matchAll(COLLECTION)].map(([, kind, left]) => ({
    isFull: kind === 'Mark-Compact',
    left: Number(left),
  }))
}
