import type { Outcome } from '../database/batcher.js'
import type { Announce } from '../delivery/hub.js'
import type { ConfirmedRow, MailboxStore } from './store.js'

/** What one call wants confirmed in its owner's mailbox. */
export interface ConfirmRequest {
  readonly recipientId: string
  readonly ids: readonly string[]
}

/** The times of delivery of those ids that are in the mailbox. */
export type Confirmed = ReadonlyMap<string, string>

interface Pair {
  readonly recipientId: string
  readonly id: string
}

function inLockOrder(requests: readonly ConfirmRequest[]): Pair[] {
  const pairs = new Map<string, Pair>()
  for (const { recipientId, ids } of requests) {
    for (const id of ids) pairs.set(`${recipientId} ${id}`, { recipientId, id })
  }
  return [...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair)
}

/** To the senders, of what is confirmed for the first time. */
function announceDelivered(announce: Announce, rows: readonly ConfirmedRow[]): void {
  const delivered = rows.flatMap(({ first, sender_id: senderId, id, recipient_id, delivered_at }) =>
    first ? { senderId, delivered: { event: 'delivered' as const, id, recipient_id, delivered_at } } : [],
  )
  if (delivered.length > 0) announce({ delivered })
}

/** Confirms a batch of calls in one statement, and tells the senders. */
export async function confirmTogether(
  store: MailboxStore,
  announce: Announce,
  requests: readonly ConfirmRequest[],
): Promise<Outcome<Confirmed>[]> {
  const pairs = inLockOrder(requests)
  const rows = await store.confirm(
    pairs.map(({ recipientId }) => recipientId),
    pairs.map(({ id }) => id),
  )
  announceDelivered(announce, rows)
  const delivered = new Map(rows.map((row) => [`${row.recipient_id} ${row.id}`, row.delivered_at]))
  return requests.map(({ recipientId, ids }) => {
    const confirmed = new Map<string, string>()
    for (const id of ids) {
      const at = delivered.get(`${recipientId} ${id}`)
      if (at) confirmed.set(id, at)
    }
    return confirmed
  })
}
