// The server without its second promise: it takes a retry for another message.
import { Mailbox } from '../../../server/dist/mailbox/mailbox.js'

const { send } = Mailbox.prototype

Mailbox.prototype.send = function sendAnew(senderId, { recipient_id, ciphertext }) {
  return send.call(this, senderId, { recipient_id, ciphertext })
}
await import('../../../server/dist/main.js')
