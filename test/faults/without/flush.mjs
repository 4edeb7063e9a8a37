// The server without its first promise: it acknowledges what it has not written yet.
import { randomUUID } from 'node:crypto'
import { MailboxStore } from '../../../server/dist/mailbox/store.js'

const WRITES_AFTER_MS = 300
const { insert } = MailboxStore.prototype

MailboxStore.prototype.insert = async function insertLater(drafts) {
  setTimeout(() => void insert.call(this, drafts).catch(() => undefined), WRITES_AFTER_MS)
  const created_at = new Date().toISOString()
  const receipt = ({ recipientId }) => ({
    id: randomUUID(),
    recipient_id: recipientId,
    created_at,
    expires_at: created_at,
  })
  return new Map(drafts.map((draft) => [draft.key, receipt(draft)]))
}
await import('../../../server/dist/main.js')
