import { ApiError, type Cap, type Ending } from '@secure-messenger/api'

const RETRY_AFTER_SECONDS = 5

/** Streams and waits that each user holds open on this instance. */
export class OpenPlaces {
  private readonly taken = new Map<string, number>()

  constructor(private readonly cap: Cap) {}

  /** Takes a place until the signal. Throws `rate_limited` where none is left. */
  take(userId: string, signal: Ending): void {
    const taken = this.taken.get(userId) ?? 0
    if (this.cap !== 'off' && taken >= this.cap)
      throw new ApiError('rate_limited', {
        detail: 'Too many streams and waits are open.',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    if (signal.aborted) return
    this.taken.set(userId, taken + 1)
    signal.addEventListener('abort', () => this.giveBack(userId), { once: true })
  }

  private giveBack(userId: string): void {
    const left = (this.taken.get(userId) ?? 1) - 1
    if (left > 0) this.taken.set(userId, left)
    else this.taken.delete(userId)
  }
}
