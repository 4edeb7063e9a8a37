import type { Outgoing } from '@secure-messenger/api'

/** A message before it is kept. */
export interface Draft {
  readonly senderId: string
  readonly recipientId: string
  readonly clientMessageId: string
  readonly ciphertext: string
  readonly bytes: number
  /** What a sender's retry finds the message by. */
  readonly key: string
}

/** What a message is unique by, as text: for maps, and for the order in which rows are locked. */
export function keyOf(recipientId: string, senderId: string, clientMessageId: string): string {
  return `${recipientId} ${senderId} ${clientMessageId}`
}

/**
 * Where the client chose no id, the server makes one: rows find back to their drafts by it. In order of time, so that
 * the index of retries is written at its end.
 */
export function makeDraft(
  senderId: string,
  { recipient_id, ciphertext, client_message_id }: Outgoing,
  makeId: () => string,
): Draft {
  const clientMessageId = client_message_id ?? makeId()
  return {
    senderId,
    recipientId: recipient_id,
    clientMessageId,
    ciphertext,
    bytes: Buffer.byteLength(ciphertext, 'utf8'),
    key: keyOf(recipient_id, senderId, clientMessageId),
  }
}
