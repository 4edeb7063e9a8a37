import { hash } from 'node:crypto'
import { ApiError, type Receipt } from '@secure-messenger/api'
import { sqlState, unavailable } from '../database/faults.js'
import type { Outcome } from '../database/batcher.js'
import type { Announce, Kept, OwnNews } from '../delivery/hub.js'
import type { Capacity } from './capacity.js'
import type { Draft } from './draft.js'
import { KnownAccounts } from './known-accounts.js'
import type { MailboxStore } from './store.js'

const MAILBOX_FULL_RETRY_SECONDS = 60
const FOREIGN_KEY_VIOLATION = '23503'

/** What is kept under a key: now, or since before, when its SHA-256 is what tells it from another. */
type Settled = { readonly receipt: Receipt } & (
  { readonly isNew: true; readonly ciphertext: string } | { readonly isNew: false; readonly hash: Buffer }
)

/** What became of a batch. */
interface Sent {
  readonly outcomes: Outcome<Receipt>[]
  readonly news: Partial<OwnNews>
}

/** In one order everywhere, so that batches that name the same keys wait for each other instead of deadlocking. */
function inLockOrder(drafts: Iterable<Draft>): Draft[] {
  return [...drafts].toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function accountsOf(drafts: readonly Draft[]): Set<string> {
  return new Set(drafts.flatMap(({ senderId, recipientId }) => [senderId, recipientId]))
}

/** Is what is kept under the draft's key its own message, or another? */
function holds(kept: Settled, { ciphertext }: Draft): boolean {
  return kept.isNew ? kept.ciphertext === ciphertext : kept.hash.equals(hash('sha256', ciphertext, 'buffer'))
}

/** Sends a batch, and wakes whoever waits for it. */
export async function sendTogether(
  sending: Sending,
  announce: Announce,
  drafts: readonly Draft[],
): Promise<Outcome<Receipt>[]> {
  const { outcomes, news } = await sending.perform(drafts)
  announce(news)
  return outcomes
}

function newsOf(drafts: Iterable<Draft>, settled: ReadonlyMap<string, Settled>): Partial<OwnNews> {
  const [kept, wake]: [Kept[], string[]] = [[], []]
  for (const { key, senderId, recipientId, ciphertext } of drafts) {
    const found = settled.get(key)
    if (found?.isNew) {
      const { id, created_at, expires_at } = found.receipt
      kept.push({ recipientId, message: { id, sender_id: senderId, ciphertext, created_at, expires_at } })
    }
    // Perhaps kept by an attempt whose answer was lost, so that nobody was told.
    else if (found) wake.push(recipientId)
  }
  return { kept, wake }
}

/** Sends a batch: who exists, who may, one insert, and for keys that were taken the first message's answer. */
export class Sending {
  private readonly accounts: KnownAccounts

  constructor(
    private readonly store: MailboxStore,
    private readonly capacity: Capacity,
  ) {
    this.accounts = new KnownAccounts((ids) => store.findAccounts(ids))
  }

  async perform(drafts: readonly Draft[]): Promise<Sent> {
    try {
      return await this.attempt(drafts)
    } catch (error) {
      if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw error
      // An account is gone that was known.
      this.accounts.forget(accountsOf(drafts))
      return this.attempt(drafts)
    }
  }

  private async attempt(drafts: readonly Draft[]): Promise<Sent> {
    const missing = await this.accounts.missing(accountsOf(drafts))
    // Of drafts under one key the first is sent; the others are compared with what is kept.
    const leaders = new Map<string, Draft>()
    for (const draft of drafts) {
      const known = !missing.has(draft.senderId) && !missing.has(draft.recipientId)
      if (known && !leaders.has(draft.key)) leaders.set(draft.key, draft)
    }
    const { settled, refused } = await this.settle(inLockOrder(leaders.values()))
    const outcomes = drafts.map((draft) => {
      if (missing.has(draft.senderId)) return new ApiError('not_authenticated')
      if (missing.has(draft.recipientId))
        return new ApiError('not_found', { detail: 'There is no such recipient.' })
      const kept = settled.get(draft.key)
      if (!kept && !refused.has(draft.key)) return unavailable()
      if (!kept) return new ApiError('mailbox_full', { retryAfterSeconds: MAILBOX_FULL_RETRY_SECONDS })
      return holds(kept, draft) ? kept.receipt : new ApiError('message_id_reused')
    })
    return { outcomes, news: newsOf(leaders.values(), settled) }
  }

  /** What is kept under each key in the end; nothing where the mailbox is full. */
  private async settle(
    leaders: readonly Draft[],
  ): Promise<{ settled: Map<string, Settled>; refused: Set<string> }> {
    const full = await this.capacity.refuse(leaders)
    const refused = new Set([...full].map(({ key }) => key))
    const admitted = leaders.filter((draft) => !full.has(draft))
    const settled = await this.insertAdmitted(admitted)
    const open = leaders.filter((draft) => !settled.has(draft.key))
    if (open.length === 0) return { settled, refused }
    for (const { key, ...kept } of await this.store.findKept(open))
      settled.set(key, { ...kept, isNew: false })
    // Taken when it was inserted and gone when it was looked for: purged in between. Its key is free now.
    const purged = admitted.filter((draft) => !settled.has(draft.key))
    for (const [key, value] of await this.insert(purged)) settled.set(key, value)
    return { settled, refused }
  }

  /** What is not kept is given back: repeats, and all where it fails, which is tried again and then counted in again. */
  private async insertAdmitted(drafts: readonly Draft[]): Promise<Map<string, Settled>> {
    try {
      const settled = await this.insert(drafts)
      this.capacity.keep(drafts.filter(({ key }) => settled.has(key)))
      return settled
    } finally {
      this.capacity.giveBack(drafts)
    }
  }

  private async insert(drafts: readonly Draft[]): Promise<Map<string, Settled>> {
    if (drafts.length === 0) return new Map()
    const receipts = await this.store.insert(drafts)
    const settled = new Map<string, Settled>()
    for (const { key, ciphertext } of drafts) {
      const receipt = receipts.get(key)
      if (receipt) settled.set(key, { ciphertext, receipt, isNew: true })
    }
    return settled
  }
}
