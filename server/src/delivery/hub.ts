import type { Delivered, Ending, Message } from '@secure-messenger/api'
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

/** A message that was just kept. */
export interface Kept {
  readonly recipientId: string
  readonly message: Message
}

/** News as an instance tells it to itself: with what was kept. */
export interface OwnNews extends News {
  readonly kept: readonly Kept[]
}

/** Takes news of what is committed. */
export type Announce = (news: Partial<OwnNews>) => void

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

  tell({ wake = [], kept = [], delivered = [] }: Partial<OwnNews>): void {
    if (this.listeners.size === 0) return
    for (const { recipientId, message } of kept)
      for (const listener of this.listeners.get(recipientId) ?? []) listener.hand(message)
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
