import { ApiError, type Cap, type Ending } from '@secure-messenger/api'

const RETRY_AFTER_SECONDS = 5

/** Who holds how many streams and waits open. */
export interface Places {
  /** @returns whether there was a place left */
  enter(userId: string): Promise<boolean> | boolean
  leave(userId: string): void
}

/** Counted in this process's memory. */
export class PlaceCounts implements Places {
  private readonly taken = new Map<string, number>()

  constructor(private readonly cap: Cap) {}

  enter(userId: string): boolean {
    const taken = this.taken.get(userId) ?? 0
    if (this.cap !== 'off' && taken >= this.cap) return false
    this.taken.set(userId, taken + 1)
    return true
  }

  leave(userId: string): void {
    const left = (this.taken.get(userId) ?? 1) - 1
    if (left > 0) this.taken.set(userId, left)
    else this.taken.delete(userId)
  }

  /** Everybody leaves one place after another, as it is told here. */
  *empty(): Iterable<string> {
    for (const [userId, count] of this.taken) for (let left = count; left > 0; left--) yield userId
    this.taken.clear()
  }
}

/** Streams and waits that each user holds open on this server. */
export class OpenPlaces {
  constructor(private readonly places: Places) {}

  /** Takes a place until the signal. Throws `rate_limited` where none is left. */
  async take(userId: string, signal: Ending): Promise<void> {
    if (!(await this.places.enter(userId)))
      throw new ApiError('rate_limited', {
        detail: 'Too many streams and waits are open.',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    if (signal.aborted) this.places.leave(userId)
    else signal.addEventListener('abort', () => this.places.leave(userId), { once: true })
  }
}
