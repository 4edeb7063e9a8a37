/** Chance that comes again from its seed (mulberry32, 32 bits of state). */
export class Random {
  private state: number

  constructor(readonly seed: number) {
    this.state = seed | 0
  }

  /** From 0 to 1, 1 excluded. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(items: readonly T[]): T {
    const picked = items[this.below(items.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
}
