import { Capacity } from '../../server/dist/mailbox/capacity.js'
import { makeDraft, type Draft } from '../../server/dist/mailbox/draft.js'
import type { MailboxCaps } from '../../server/dist/mailbox/caps.js'

const OFF: MailboxCaps = { mailboxMessages: 'off', mailboxBytes: 'off', mailboxSenderShare: 'off' }

/** Mailboxes by owner, sender and number, as a database would count them, under a clock that a test moves. */
export class Mailboxes {
  now = 5000
  readonly counts: string[][] = []
  /** Rows of a count, `[recipient, sender, messages, bytes]`. */
  waiting: [string, string, number, number][] = []
  meanwhile: () => void = () => undefined
  failing = false
  readonly capacity: Capacity
  /** What another instance knows of the same mailboxes. */
  readonly another: () => Capacity

  constructor(caps: Partial<MailboxCaps>) {
    const countWaiting = async (recipientIds: readonly string[]) => {
      this.counts.push([...recipientIds])
      this.meanwhile()
      if (this.failing) throw new Error('the database is away')
      return this.waiting
        .filter(([recipientId]) => recipientIds.includes(recipientId))
        .map(([recipientId, senderId, messages, bytes]) => ({ recipientId, senderId, messages, bytes }))
    }
    this.another = () => new Capacity({ countWaiting }, { ...OFF, ...caps }, () => this.now)
    this.capacity = this.another()
  }

  /** How many of so many messages, sent together, are taken. */
  async send(count: number, from = 'alice', to = 'bob', ciphertext = 'xx'): Promise<number> {
    const drafts = Array.from({ length: count }, () => draft(from, to, ciphertext))
    const refused = await this.capacity.refuse(drafts)
    this.capacity.keep(drafts.filter((one) => !refused.has(one)))
    return count - refused.size
  }
}

export function draft(from: string, to: string, ciphertext = 'xx'): Draft {
  return makeDraft(from, { recipient_id: to, ciphertext }, () => crypto.randomUUID())
}
