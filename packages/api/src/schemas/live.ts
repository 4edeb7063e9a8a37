import { z } from 'zod'
import { answeredId, time } from './values.js'
import type { Message } from './messages.js'

const drained = z.object({ event: z.literal('drained') })
const tokenExpired = z.object({ event: z.literal('token_expired') })

/** To a sender: what it sent was confirmed. */
export const delivered = z.object({
  event: z.literal('delivered'),
  id: answeredId,
  recipient_id: answeredId,
  delivered_at: time,
})
export type Delivered = z.infer<typeof delivered>

/** What a stream says beside messages. */
export const notice = z.discriminatedUnion('event', [drained, delivered, tokenExpired])
export type Notice = z.infer<typeof notice>

/** What a stream says, in its order: every unconfirmed message, `drained`, then whatever comes. */
export type LiveEvent = { readonly event: 'message'; readonly message: Message } | Notice
