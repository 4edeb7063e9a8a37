import { tracked } from '@trpc/server'
import {
  confirmation,
  confirmations,
  confirmManyRequest,
  confirmRequest,
  listRequest,
  messageStatus,
  outgoing,
  page,
  receipt,
  statusRequest,
} from '../schemas/messages.js'
import { validationFailed } from '../problem.js'
import { router, type Operations } from '../operation.js'
import type { LiveEvent } from '../schemas/live.js'
import type { MailboxService } from '../services.js'

const MESSAGE_ID = '0197a3c2-5b1e-7d3a-9f40-6c1de2a7b8f1'
const RECIPIENT_ID = '3f2b8c1e-6f5d-4a7b-9c3d-2e1f0a9b8c7d'
const SENDER_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const CREATED_AT = '2026-01-31T12:00:00.000Z'
const EXPIRES_AT = '2026-02-07T12:00:00.000Z'
const DELIVERED_AT = '2026-01-31T12:00:05.000Z'

// What the REST door answers of `live`, for the document.
const STREAM = `event: message
id: ${MESSAGE_ID}
data: {"id":"${MESSAGE_ID}","sender_id":"${SENDER_ID}","ciphertext":"AbX9rk0mKq==","created_at":"${CREATED_AT}","expires_at":"${EXPIRES_AT}"}

event: drained
data: {}

event: delivered
data: {"id":"${MESSAGE_ID}","recipient_id":"${RECIPIENT_ID}","delivered_at":"${DELIVERED_AT}"}

event: token_expired
data: {}

`

/** tRPC's clients come back with the id of the last message that they saw. */
async function* trackMessages(events: AsyncIterable<LiveEvent>) {
  for await (const event of events)
    yield event.event === 'message' ? tracked(event.message.id, event.message) : event
}

/** Messages: sending, reading what waits, confirming, asking after what one sent. */
export function createMessagesRouter(operations: Operations, mailbox: MailboxService) {
  return router({
    send: operations.bearer
      .meta({
        openapi: {
          method: 'POST',
          path: '/messages',
          tags: ['messages'],
          summary: 'Send a message',
          description:
            'Keeps the ciphertext for its recipient, for seven days at most. 201 means that it is written to disk. After ' +
            'a timeout or a 5xx, send again under the same client_message_id: no second message comes of it.',
          successDescription: 'The message is kept.',
          protect: true,
        },
        successStatus: 201,
        limit: 'send',
        errors: ['not_found', 'message_id_reused', 'mailbox_full'],
        example: {
          request: {
            recipient_id: RECIPIENT_ID,
            ciphertext: 'AbX9rk0mKq==',
            client_message_id: '9b2f4c1d-8e3a-4f5b-a6c7-d8e9f0a1b2c3',
          },
          response: {
            id: MESSAGE_ID,
            recipient_id: RECIPIENT_ID,
            created_at: CREATED_AT,
            expires_at: EXPIRES_AT,
          },
        },
      })
      .input(outgoing)
      .output(receipt)
      .mutation(({ input, ctx }) => mailbox.send(ctx.userId, input)),

    list: operations.bearer
      .meta({
        openapi: {
          method: 'GET',
          path: '/messages',
          tags: ['messages'],
          summary: 'Read what waits',
          description:
            'The undelivered messages, oldest first. Reading does not consume: a message is listed until it is confirmed ' +
            'or seven days old. A page ends early once it holds 2 MiB of ciphertext. With `wait` an empty mailbox is answered ' +
            'as soon as something arrives, or empty at the end of the wait; a long wait may be answered with leading spaces.',
          successDescription: 'A page of messages.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: [],
        waits: true,
        example: {
          response: {
            messages: [
              {
                id: MESSAGE_ID,
                sender_id: SENDER_ID,
                ciphertext: 'AbX9rk0mKq==',
                created_at: CREATED_AT,
                expires_at: EXPIRES_AT,
              },
            ],
            more: false,
          },
        },
      })
      .input(listRequest)
      .output(page)
      .query(({ input, ctx }) => {
        if (ctx.batched && (input.wait ?? 0) > 0)
          throw validationFailed([{ path: 'wait', message: 'must be 0 inside a batch' }])
        return mailbox.list(ctx.userId, input, ctx.disconnected)
      }),

    live: operations.bearerWithoutFields
      .meta({
        openapi: {
          method: 'GET',
          path: '/messages/live',
          tags: ['messages'],
          summary: 'Receive messages as they come',
          description:
            'Server-sent events: every unconfirmed message, oldest first (`message`, its data as `GET /messages` gives it), ' +
            'then `drained`, then each new message once. A sender hears `delivered` when what it sent is confirmed, as well ' +
            'as it goes: `GET /messages/{id}/status` tells what was missed. A comment comes every 15 seconds. ' +
            '`token_expired` ends the stream: open it again with a new token. After any other end, open it again; ' +
            'whatever is unconfirmed comes again, and `Last-Event-ID` filters nothing.',
          successDescription: 'The stream.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: [],
        example: { response: STREAM },
        streams: true,
      })
      .subscription(async ({ ctx }) => trackMessages(await mailbox.live(ctx, ctx.disconnected()))),

    confirm: operations.bearer
      .meta({
        openapi: {
          method: 'PUT',
          path: '/messages/{id}/delivered',
          tags: ['messages'],
          summary: 'Confirm delivery',
          description:
            'Ends the life of a message in the mailbox. Confirming again answers the same for 24 hours. Any body is ignored.',
          successDescription: 'The message is confirmed.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: ['not_found'],
        example: { response: { id: MESSAGE_ID, delivered_at: DELIVERED_AT } },
        ignoresBody: true,
      })
      .input(confirmRequest)
      .output(confirmation)
      .mutation(({ input, ctx }) => mailbox.confirm(ctx.userId, input.id)),

    confirm_many: operations.bearer
      .meta({
        openapi: {
          method: 'POST',
          path: '/messages/delivered',
          tags: ['messages'],
          summary: 'Confirm many deliveries',
          description:
            'Confirms up to 100 messages at once. A repeated id is answered once, in the order asked.',
          successDescription: 'Which were confirmed, and which are not in the mailbox.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: [],
        example: { request: { ids: [MESSAGE_ID] }, response: { delivered: [MESSAGE_ID], unknown: [] } },
      })
      .input(confirmManyRequest)
      .output(confirmations)
      .mutation(({ input, ctx }) => mailbox.confirmMany(ctx.userId, input.ids)),

    status: operations.bearer
      .meta({
        openapi: {
          method: 'GET',
          path: '/messages/{id}/status',
          tags: ['messages'],
          summary: 'Ask after a message that one sent',
          description: 'Known until 24 hours after the confirmation or the expiry of the message.',
          successDescription: 'Whether it waits, was delivered, or expired.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: ['not_found'],
        example: { response: { id: MESSAGE_ID, status: 'delivered', delivered_at: DELIVERED_AT } },
      })
      .input(statusRequest)
      .output(messageStatus)
      .query(({ input, ctx }) => mailbox.status(ctx.userId, input)),
  })
}
