import type { Clock } from '../clock.js'
import type { Cap } from '@secure-messenger/api'
import type { Draft } from './draft.js'
import type { MailboxStore, Waiting } from './store.js'

export interface MailboxCaps {
  readonly mailboxMessages: Cap
  readonly mailboxBytes: Cap
  readonly mailboxSenderShare: Cap
}

type Amount = Pick<Waiting, 'messages' | 'bytes'>

const NOTHING: Amount = { messages: 0, bytes: 0 }
/** A count admits for this long, kept up by this instance's own sends; other instances' sends are in the next one. */
const ADMITS_FOR_MS = 1000
/** A count refuses for this long only: the owner may have drained the mailbox meanwhile. */
const REFUSES_FOR_MS = 200
const MAX_COUNTED = 10_000

interface Usage {
  readonly countedAt: number
  total: Amount
  readonly bySender: Map<string, Amount>
}

function plus(a: Amount, b: Amount): Amount {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes }
}

/**
 * The caps of mailboxes, by an estimate in memory that a count in the database renews. A guard, not an account:
 * it costs the send path no write, and several instances together may overshoot it a little.
 */
export class Capacity {
  private readonly counted = new Map<string, Usage>()
  /** For each count under way, the mailboxes that were drained since it began. */
  private readonly drained = new Set<Set<string>>()

  constructor(
    private readonly store: Pick<MailboxStore, 'countWaiting'>,
    private readonly caps: MailboxCaps,
    private readonly clock: Clock,
  ) {}

  /** Which of the drafts their mailboxes do not take. The others are counted in. */
  async refuse(drafts: readonly Draft[]): Promise<Set<Draft>> {
    if (this.caps.mailboxMessages === 'off' && this.caps.mailboxBytes === 'off') return new Set()
    await this.count(drafts, ADMITS_FOR_MS)
    const refused = this.admit(drafts)
    if (refused.length === 0) return new Set()
    await this.count(refused, REFUSES_FOR_MS)
    return new Set(this.admit(refused))
  }

  /** What is known of a mailbox is over: its owner took something out. */
  forget(recipientId: string): void {
    this.counted.delete(recipientId)
    for (const meanwhile of this.drained) meanwhile.add(recipientId)
  }

  /** Takes back what `refuse` counted in for drafts that were not kept: repeats do not count. */
  giveBack(drafts: readonly Draft[]): void {
    for (const draft of drafts) this.add(draft, -1)
  }

  private add({ recipientId, senderId, bytes }: Draft, sign: 1 | -1): void {
    const usage = this.counted.get(recipientId)
    if (!usage) return
    const change = { messages: sign, bytes: sign * bytes }
    usage.total = plus(usage.total, change)
    usage.bySender.set(senderId, plus(usage.bySender.get(senderId) ?? NOTHING, change))
  }

  private admit(drafts: readonly Draft[]): Draft[] {
    return drafts.filter((draft) => {
      const usage = this.counted.get(draft.recipientId)
      // Forgotten while it was counted: the next batch counts it again.
      if (!usage) return false
      const own = usage.bySender.get(draft.senderId) ?? NOTHING
      if (!this.mayAdd(usage.total, own)) return true
      this.add(draft, 1)
      return false
    })
  }

  private mayAdd(total: Amount, own: Amount): boolean {
    const { mailboxMessages, mailboxBytes, mailboxSenderShare } = this.caps
    const share = mailboxSenderShare === 'off' ? 1 : mailboxSenderShare
    const fits = (cap: Cap, all: number, mine: number): boolean =>
      cap === 'off' || (all < cap && (mine === 0 || mine < (cap - (all - mine)) / share))
    return fits(mailboxMessages, total.messages, own.messages) && fits(mailboxBytes, total.bytes, own.bytes)
  }

  /** Counts the mailboxes of which nothing is known, or nothing younger than `maxAgeMs`. */
  private async count(drafts: readonly Draft[], maxAgeMs: number): Promise<void> {
    const now = this.clock()
    const stale = [...new Set(drafts.map((draft) => draft.recipientId))].filter((recipientId) => {
      const usage = this.counted.get(recipientId)
      return !usage || now - usage.countedAt > maxAgeMs
    })
    if (stale.length === 0) return
    const { rows, drained } = await this.countWaiting(stale)
    for (const recipientId of stale)
      this.keep(recipientId, { countedAt: now, total: NOTHING, bySender: new Map() })
    // Drained while it was counted: the count is from before.
    for (const recipientId of drained) this.counted.delete(recipientId)
    for (const row of rows) {
      const usage = this.counted.get(row.recipientId)
      if (!usage) continue
      usage.total = plus(usage.total, row)
      usage.bySender.set(row.senderId, row)
    }
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

  private keep(recipientId: string, usage: Usage): void {
    this.counted.delete(recipientId)
    this.counted.set(recipientId, usage)
    const oldest = this.counted.keys().next()
    if (this.counted.size > MAX_COUNTED && !oldest.done) this.counted.delete(oldest.value)
  }
}
