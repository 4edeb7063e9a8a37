import { ApiError, type LiveEvent, type Message, type Page } from '@secure-messenger/api'
import type { Clock } from '../clock.js'
import { unavailable } from '../database/faults.js'
import type { Listener } from '../delivery/listener.js'
import { Told } from './told.js'

/** A reader that is woken again and again reads at most so often; one that was idle reads at once. */
const MIN_GAP_MS = 100
/** It rests this many times as long as its last reading took. */
const REST_FACTOR = 4
const MAX_REST_MS = 500
/** A wake-up that was lost costs this much. */
const REREAD_MS = 60_000
/** A long mailbox is read again from its start more rarely: for a twentieth of the time at most. */
const REREAD_FACTOR = 20
/** After a reading that failed. */
const RETRY_MS = 1000

interface LiveOptions {
  /** A page of what waits beyond an id, but for some that are known. */
  readonly read: (after: string | undefined, except: readonly string[]) => Promise<Page>
  readonly listener: Listener
  /** When the caller's token ends, milliseconds. */
  readonly expiresAt: number
  readonly clock: Clock
}

/**
 * One stream. reading from the start → drained → waiting → (woken) reading what is new → waiting → …
 * It ends with the token, with the client, or with an error: `unavailable` when this server stops.
 */
export class LiveStream {
  private readonly told = new Told()
  private readAgainAt = 0
  private restUntil = 0

  constructor(private readonly options: LiveOptions) {}

  async *events(): AsyncGenerator<LiveEvent, void> {
    const { listener, clock, expiresAt } = this.options
    // Also where this server is about to stop: its client gets what it came for, and comes again elsewhere.
    if (yield* this.readFromStart()) yield { event: 'drained' }
    for (;;) {
      const { woken, missed, handed, delivered } = await listener.next(this.nextLook() - clock())
      if (listener.over) throw unavailable()
      if (clock() >= expiresAt) return yield { event: 'token_expired' }
      yield* delivered
      if (!woken) yield* this.tellNew(handed)
      if (missed) this.readAgainAt = 0
      if (woken || clock() >= this.readAgainAt) yield* this.look()
    }
  }

  private nextLook(): number {
    return Math.min(this.readAgainAt, this.options.expiresAt)
  }

  /** A database that is away for a moment ends no stream. */
  private async *look(): AsyncGenerator<LiveEvent, void> {
    const { listener, clock } = this.options
    await listener.rest(this.restUntil - clock())
    try {
      if (clock() >= this.readAgainAt) yield* this.readFromStart()
      else yield* this.readBeyond(this.told.floor, this.told.beyondFloor(), new Set())
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 503) throw error
      this.readAgainAt = clock() + RETRY_MS
    }
  }

  /** Finds what a wake-up did not tell of, and what committed long after its id was made. */
  private async *readFromStart(): AsyncGenerator<LiveEvent, boolean> {
    const { clock } = this.options
    const startedAt = clock()
    const found = new Set<string>()
    const whole = yield* this.readBeyond(undefined, [], found)
    this.told.keepOnly(found)
    this.readAgainAt = clock() + Math.max(REREAD_MS, (clock() - startedAt) * REREAD_FACTOR)
    return whole
  }

  /** At least one page. @returns whether it came to the end */
  private async *readBeyond(
    start: string | undefined,
    except: readonly string[],
    found: Set<string>,
  ): AsyncGenerator<LiveEvent, boolean> {
    const { read, clock, listener, expiresAt } = this.options
    let [after, more] = [start, true]
    do {
      const startedAt = clock()
      const page = await read(after, except)
      const restMs = Math.min(MAX_REST_MS, (clock() - startedAt) * REST_FACTOR)
      this.restUntil = clock() + Math.max(MIN_GAP_MS, restMs)
      for (const { id } of page.messages) found.add(id)
      yield* this.tellNew(page.messages)
      after = page.messages.at(-1)?.id
      more = page.more
    } while (more && !listener.over && clock() < expiresAt)
    return !more
  }

  /** As a list has it, without what else a row brings. */
  private *tellNew(messages: readonly Message[]): Iterable<LiveEvent> {
    for (const { id, sender_id, ciphertext, created_at, expires_at } of messages) {
      if (this.told.add(id))
        yield { event: 'message', message: { id, sender_id, ciphertext, created_at, expires_at } }
    }
  }
}
