import type { Outcome } from '../database/batcher.js'
import type { MailboxStore } from './store.js'

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

/** Confirms a batch of calls in one statement. */
export async function confirmTogether(
  store: MailboxStore,
  requests: readonly ConfirmRequest[],
): Promise<Outcome<Confirmed>[]> {
  const pairs = inLockOrder(requests)
  const rows = await store.confirm(
    pairs.map(({ recipientId }) => recipientId),
    pairs.map(({ id }) => id),
  )
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
