import type { Clock } from '../clock.js'
import { hasUsedItsPart, takesOneMore, type MailboxCaps } from './caps.js'
import type { Draft } from './draft.js'
import type { MailboxStore } from './store.js'
import { Tally } from './tally.js'

/** A count admits for this long at most, kept up by this instance's own sends; other instances' sends are in the next one. */
const ADMITS_FOR_MS = 1000
/** A count refuses for this long only: the owner may have drained the mailbox meanwhile. */
const REFUSES_FOR_MS = 200
const MAX_COUNTED = 10_000

interface Usage {
  readonly countedAt: number
  /** What was counted, and what this instance admitted since. */
  readonly waiting: Tally
  /** The latter alone. */
  readonly added: Tally
}

/**
 * The caps of mailboxes, by an estimate in memory that a count in the database renews. A guard, not an account:
 * it costs the send path no write, and several instances together may overshoot it a little.
 */
export class Capacity {
  private readonly counted = new Map<string, Usage>()
  /** Admitted, and neither kept nor given back yet: a count may not see them. In no `Set`, for what http/roll.ts says. */
  private underWay: Draft[] = []
  /** For each count under way, the mailboxes that were drained since it began. */
  private readonly drained = new Set<Set<string>>()

  constructor(
    private readonly store: Pick<MailboxStore, 'countWaiting'>,
    private readonly caps: MailboxCaps,
    private readonly clock: Clock,
  ) {}

  /** Which of the drafts their mailboxes do not take. The others are counted in, until they are kept or given back. */
  async refuse(drafts: readonly Draft[]): Promise<Set<Draft>> {
    if (this.caps.mailboxMessages === 'off' && this.caps.mailboxBytes === 'off') return new Set()
    await this.count(drafts, ADMITS_FOR_MS)
    const refused = this.admit(drafts)
    if (refused.length === 0) return new Set()
    try {
      await this.count(refused, REFUSES_FOR_MS)
    } catch (error) {
      this.giveBack(drafts)
      throw error
    }
    return new Set(this.admit(refused))
  }

  /** What is known of a mailbox is over: its owner took something out. */
  forget(recipientId: string): void {
    this.counted.delete(recipientId)
    for (const meanwhile of this.drained) meanwhile.add(recipientId)
  }

  /** Has drafts that were admitted left to the next count: they are in the database. */
  keep(drafts: readonly Draft[]): void {
    this.takeOut(drafts)
  }

  /** Takes back what `refuse` counted in for those of the drafts that are still under way: repeats do not count. */
  giveBack(drafts: readonly Draft[]): void {
    for (const draft of this.takeOut(drafts)) this.add(draft, -1)
  }

  /** @returns those of the drafts that were under way */
  private takeOut(drafts: readonly Draft[]): Draft[] {
    if (this.underWay.length === 0) return []
    const out = new Set(drafts)
    const found = this.underWay.filter((draft) => out.has(draft))
    this.underWay = this.underWay.filter((draft) => !out.has(draft))
    return found
  }

  private add({ recipientId, senderId, bytes }: Draft, sign: 1 | -1): void {
    const usage = this.counted.get(recipientId)
    const change = { messages: sign, bytes: sign * bytes }
    usage?.waiting.add(senderId, change)
    usage?.added.add(senderId, change)
  }

  private admit(drafts: readonly Draft[]): Draft[] {
    return drafts.filter((draft) => {
      const usage = this.counted.get(draft.recipientId)
      // Forgotten while it was counted: the next batch counts it again.
      if (usage && !takesOneMore(this.caps, usage.waiting, draft.senderId)) return true
      this.underWay.push(draft)
      this.add(draft, 1)
      return false
    })
  }

  private isStale({ recipientId, senderId }: Draft, now: number, maxAgeMs: number): boolean {
    const usage = this.counted.get(recipientId)
    if (!usage || now - usage.countedAt > maxAgeMs) return true
    return hasUsedItsPart(this.caps, usage.waiting, usage.added, senderId)
  }

  /** Counts the mailboxes of which nothing is known, nothing younger than `maxAgeMs`, or too little since. */
  private async count(drafts: readonly Draft[], maxAgeMs: number): Promise<void> {
    const now = this.clock()
    const uncertain = drafts.filter((draft) => this.isStale(draft, now, maxAgeMs))
    const stale = [...new Set(uncertain.map((draft) => draft.recipientId))]
    if (stale.length === 0) return
    const { rows, drained } = await this.countWaiting(stale)
    const fresh = new Map(stale.map((recipientId) => [recipientId, new Tally()]))
    for (const { recipientId, senderId, messages, bytes } of rows)
      fresh.get(recipientId)?.add(senderId, { messages, bytes })
    for (const { recipientId, senderId, bytes } of this.underWay)
      fresh.get(recipientId)?.add(senderId, { messages: 1, bytes })
    // Drained while it was counted: the count is from before.
    for (const recipientId of drained) fresh.delete(recipientId)
    for (const [recipientId, waiting] of fresh)
      this.remember(recipientId, { countedAt: now, waiting, added: new Tally() })
  }

  private async countWaiting(recipientIds: readonly string[]) {
    const drained = new Set<string>()
    this.drained.add(drained)
    try {
      return { rows: await this.store.countWaiting(recipientIds), drained }
    } finally {
      this.drained.delete(drained)
    }
  }

  private remember(recipientId: string, usage: Usage): void {
    this.counted.delete(recipientId)
    this.counted.set(recipientId, usage)
    const oldest = this.counted.keys().next()
    if (this.counted.size > MAX_COUNTED && !oldest.done) this.counted.delete(oldest.value)
  }
}
