import { ApiError } from '@secure-messenger/api'

const MAX_WAIT_MS = 15_000
/** A hash takes a quarter of a second, and much longer on a machine that is full of work that does not give way. */
const MAX_WORK_MS = 20_000
const RETRY_AFTER_SECONDS = 5

/** Owners show an old token of their account; strangers do not. */
export type Standing = 'owner' | 'stranger'

interface Waiting {
  readonly begin: () => void
  readonly refuse: () => void
}

interface QueueOptions {
  /** Passwords hashed at once: each keeps a core busy for a quarter of a second. */
  readonly concurrency: number
  /** Passwords that may wait. */
  readonly capacity: number
}

/**
 * Work on passwords waits here, so that a storm of logins neither starves the other requests nor grows without end.
 * waiting → running → done; waiting → refused with `unavailable` (after 15 s, or when a place is needed). Running for more
 * than 20 s is answered with `unavailable`, too, though the place is taken until the work ends.
 * Owners go before strangers, and when the queue is full an owner takes the place of the newest stranger.
 */
export class PasswordQueue {
  private running = 0
  private readonly owners: Waiting[] = []
  private readonly strangers: Waiting[] = []

  constructor(private readonly options: QueueOptions) {}

  /** Runs the work when its turn comes. Throws `unavailable` when it does not come. */
  async run<T>(standing: Standing, work: () => Promise<T>): Promise<T> {
    if (this.running >= this.options.concurrency) await this.wait(standing)
    else this.running += 1
    return within(
      MAX_WORK_MS,
      work().finally(() => this.passOn()),
    )
  }

  /** Hands the running place to the next in line, or gives it up. */
  private passOn(): void {
    const next = this.owners.shift() ?? this.strangers.shift()
    if (next) next.begin()
    else this.running -= 1
  }

  private wait(standing: Standing): Promise<void> {
    if (this.owners.length + this.strangers.length >= this.options.capacity) this.makeRoom(standing)
    return new Promise((resolve, reject) => {
      const line = standing === 'owner' ? this.owners : this.strangers
      const timer = setTimeout(() => {
        line.splice(line.indexOf(waiting), 1)
        waiting.refuse()
      }, MAX_WAIT_MS)
      const waiting: Waiting = {
        begin: () => {
          clearTimeout(timer)
          resolve()
        },
        refuse: () => {
          clearTimeout(timer)
          reject(tooMany())
        },
      }
      line.push(waiting)
    })
  }

  private makeRoom(standing: Standing): void {
    const displaced = standing === 'owner' ? this.strangers.pop() : undefined
    if (!displaced) throw tooMany()
    displaced.refuse()
  }
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooMany()), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function tooMany(): ApiError {
  return new ApiError('unavailable', {
    detail: 'Too many passwords are waiting to be checked. Try again shortly.',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  })
}
