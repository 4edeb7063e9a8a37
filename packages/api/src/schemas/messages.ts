import { z } from 'zod'
import { answeredCiphertext, answeredId, ciphertext, id, soughtId, time } from './values.js'

export const outgoing = z
  .strictObject({
    recipient_id: id.describe('Any existing user, oneself too.'),
    ciphertext,
    client_message_id: id
      .optional()
      .describe("The sender's own id for this message: a retry under it never makes a second message."),
  })
  .meta({ id: 'Outgoing' })
export type Outgoing = z.infer<typeof outgoing>

export const receipt = z
  .object({
    id: answeredId,
    recipient_id: answeredId,
    created_at: time,
    expires_at: time,
  })
  .meta({ id: 'Receipt' })
export type Receipt = z.infer<typeof receipt>

export const listRequest = z
  .strictObject({
    limit: z.int().min(1).max(100).describe('Messages of a page; 50 by default.').optional(),
    after: id.describe('A position: the page holds ids greater than it, known or not.').optional(),
    wait: z
      .int()
      .min(0)
      .max(30)
      .describe('Whole seconds to wait while nothing is there; 0 by default.')
      .optional(),
  })
  .prefault({})
export type ListRequest = z.infer<typeof listRequest>

export const message = z
  .object({
    id: answeredId,
    sender_id: answeredId,
    ciphertext: answeredCiphertext,
    created_at: time,
    expires_at: time,
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof message>

export const page = z
  .object({
    messages: z.array(message).meta({ description: 'Oldest first.' }),
    more: z.boolean().meta({ description: 'Something is left beyond this page.' }),
  })
  .meta({ id: 'Page' })
export type Page = z.infer<typeof page>

export const confirmRequest = z.strictObject({ id: soughtId })
export const confirmation = z.object({ id: answeredId, delivered_at: time }).meta({ id: 'Confirmation' })
export type Confirmation = z.infer<typeof confirmation>

export const confirmManyRequest = z
  .strictObject({ ids: z.array(id).min(1).max(100) })
  .meta({ id: 'ConfirmMany' })
export const confirmations = z
  .object({
    delivered: z.array(answeredId).meta({ description: 'Confirmed, now or before.' }),
    unknown: z.array(answeredId).meta({ description: "Not in one's mailbox, or expired." }),
  })
  .meta({ id: 'Confirmations' })
export type Confirmations = z.infer<typeof confirmations>

export const statusRequest = z.strictObject({
  id: soughtId,
  recipient_id: id.describe('To whom the message was sent.'),
})
export type StatusRequest = z.infer<typeof statusRequest>

export const messageStatus = z
  .object({
    id: answeredId,
    status: z.enum(['pending', 'delivered', 'expired']),
    delivered_at: time.optional(),
  })
  .meta({ id: 'MessageStatus' })
export type MessageStatus = z.infer<typeof messageStatus>
