import type { Delivered, Ending } from '@secure-messenger/api'
import { Listener } from './listener.js'

/** A confirmation, and who is to learn of it. */
export interface DeliveredTo {
  readonly senderId: string
  readonly delivered: Delivered
}

/** What instances tell each other. It says where to look and never what is there: losing it costs a delay. */
export interface News {
  /** Users whose mailboxes something was put into. */
  readonly wake: readonly string[]
  readonly delivered: readonly DeliveredTo[]
}

/** Takes news of what is committed. */
export type Announce = (news: Partial<News>) => void

/** Who listens on this instance. */
export class Hub {
  private readonly listeners = new Map<string, Set<Listener>>()
  private closed = false
  private count = 0

  /** Streams and waits that are open here. */
  get size(): number {
    return this.count
  }

  /** Listens from now until the signal, which every listener must come to have. */
  attach(userId: string, signal: Ending): Listener {
    const listener = new Listener()
    if (this.closed || signal.aborted) {
      listener.end()
      return listener
    }
    const own = this.listeners.get(userId) ?? new Set()
    this.listeners.set(userId, own.add(listener))
    this.count += 1
    signal.addEventListener('abort', () => this.remove(userId, own, listener), { once: true })
    return listener
  }

  tell({ wake = [], delivered = [] }: Partial<News>): void {
    if (this.listeners.size === 0) return
    for (const userId of wake) for (const listener of this.listeners.get(userId) ?? []) listener.wake()
    for (const { senderId, delivered: what } of delivered)
      for (const listener of this.listeners.get(senderId) ?? []) listener.tell(what)
  }

  /** News may have been missed: everybody looks again. */
  wakeAll(): void {
    for (const listener of this.all()) listener.wakeLate()
  }

  /** Ends everybody's listening, and that of whoever still comes. */
  close(): void {
    this.closed = true
    for (const listener of this.all()) listener.end()
  }

  private *all(): Iterable<Listener> {
    for (const own of this.listeners.values()) yield* own
  }

  private remove(userId: string, own: Set<Listener>, listener: Listener): void {
    listener.end()
    own.delete(listener)
    this.count -= 1
    if (own.size === 0 && this.listeners.get(userId) === own) this.listeners.delete(userId)
  }
}
