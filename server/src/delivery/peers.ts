import type { Clock } from '../clock.js'

/** Each instance says that it is there this often. */
export const ALIVE_MS = 15_000
const FORGOTTEN_AFTER_MS = 4 * ALIVE_MS

/** The other instances that were heard of lately. Alone, an instance keeps its news to itself. */
export class Peers {
  private readonly heardAt = new Map<string, number>()

  /** @param clock - of durations */
  constructor(private readonly clock: Clock) {}

  /** @returns whether it was not known */
  hear(name: string): boolean {
    this.forget()
    const isNew = !this.heardAt.has(name)
    this.heardAt.set(name, this.clock())
    return isNew
  }

  /** Whether there are any. */
  exist(): boolean {
    if (this.heardAt.size > 0) this.forget()
    return this.heardAt.size > 0
  }

  private forget(): void {
    const before = this.clock() - FORGOTTEN_AFTER_MS
    for (const [name, at] of this.heardAt) if (at < before) this.heardAt.delete(name)
  }
}
