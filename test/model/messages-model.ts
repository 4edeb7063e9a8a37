import { z } from 'zod'
import type { Call, Heard } from './calls.js'
import {
  expecting,
  isWaiting,
  isoOf,
  LIFE_MS,
  NOW_MS,
  RECORD_MS,
  withMessage,
  type Message,
  type State,
  type Verdict,
} from './state.js'

type Of<Kind extends Call['kind']> = Extract<Call, { kind: Kind }>

const DEFAULT_PAGE = 50
const NOT_FOUND: Heard = { refused: '404 not_found' }
const REUSED: Heard = { refused: '409 message_id_reused' }

const time = z.iso.datetime({ precision: 3 }).transform((text) => Date.parse(text))
const receiptHeard = z.object({
  data: z.strictObject({ id: z.string(), recipient_id: z.string(), created_at: time, expires_at: time }),
})
const confirmationHeard = z.object({ data: z.strictObject({ id: z.string(), delivered_at: time }) })
const deliveredHeard = z.object({
  data: z.strictObject({ id: z.string(), status: z.literal('delivered'), delivered_at: time }),
})

function isNear(at: number, now: number): boolean {
  return Math.abs(at - now) < NOW_MS
}

/**
 * A key that was used answers with what was kept under it, for as long as there is a record; else a message begins.
 *
 * @param floor - the greatest id that had been answered when this was asked: a new message comes behind it
 */
export function judgeSend(state: State, call: Of<'send'>, heard: Heard, now: number, floor: string): Verdict {
  const to = call.to.toLowerCase()
  const clientMessageId = call.clientMessageId?.toLowerCase()
  if (!(to in state.people)) return expecting(NOT_FOUND, heard, state)
  const kept = state.messages.find(
    (one) =>
      clientMessageId !== undefined &&
      one.clientMessageId === clientMessageId &&
      one.by === call.by &&
      one.to === to,
  )
  if (kept && kept.ciphertext !== call.ciphertext) return expecting(REUSED, heard, state)
  if (kept) {
    const { id, createdAt, expiresAt } = kept
    const data = { id, recipient_id: to, created_at: isoOf(createdAt), expires_at: isoOf(expiresAt) }
    return expecting({ data }, heard, state)
  }
  const receipt = receiptHeard.safeParse(heard).data?.data
  const isNew =
    receipt?.recipient_id === to &&
    receipt.id > floor &&
    state.messages.every(({ id }) => id !== receipt.id) &&
    receipt.expires_at - receipt.created_at === LIFE_MS &&
    isNear(receipt.created_at, now)
  if (!isNew) return { expected: `a receipt of a new message beyond ${floor || 'nothing'}` }
  const { id, created_at: createdAt, expires_at: expiresAt } = receipt
  const { by, ciphertext } = call
  const forgetAt = expiresAt + RECORD_MS
  const message = {
    id,
    by,
    to,
    clientMessageId,
    ciphertext,
    createdAt,
    expiresAt,
    deliveredAt: undefined,
    forgetAt,
  }
  return { next: withMessage(state, message) }
}

export function judgeList(
  state: State,
  { by, limit, after }: Of<'list'>,
  heard: Heard,
  now: number,
): Verdict {
  const beyond = after?.toLowerCase() ?? ''
  const waiting = state.messages.filter((one) => one.to === by && isWaiting(one, now) && one.id > beyond)
  const page = waiting.slice(0, limit ?? DEFAULT_PAGE)
  const messages = page.map((one) => ({
    id: one.id,
    sender_id: one.by,
    ciphertext: one.ciphertext,
    created_at: isoOf(one.createdAt),
    expires_at: isoOf(one.expiresAt),
  }))
  return expecting({ data: { messages, more: waiting.length > page.length } }, heard, state)
}

/** What a person may confirm: what waits for him, and again what he confirmed, while there is a record of it. */
function findConfirmable(state: State, by: string, id: string, now: number): Message | undefined {
  return state.messages.find(
    (one) =>
      one.id === id &&
      one.to === by &&
      (one.deliveredAt === undefined ? one.expiresAt > now : one.forgetAt > now),
  )
}

function confirmed(message: Message, at: number | 'unheard', now: number): Message {
  if (message.deliveredAt !== undefined) return at === 'unheard' ? message : { ...message, deliveredAt: at }
  return { ...message, deliveredAt: at, forgetAt: (at === 'unheard' ? now : at) + RECORD_MS }
}

export function judgeConfirm(state: State, { by, id }: Of<'confirm'>, heard: Heard, now: number): Verdict {
  const message = findConfirmable(state, by, id.toLowerCase(), now)
  if (!message) return expecting(NOT_FOUND, heard, state)
  if (typeof message.deliveredAt === 'number')
    return expecting({ data: { id: message.id, delivered_at: isoOf(message.deliveredAt) } }, heard, state)
  const at = confirmationHeard.safeParse(heard).data?.data
  const isFirst = message.deliveredAt === undefined
  const fits =
    at?.id === message.id && (isFirst ? isNear(at.delivered_at, now) : at.delivered_at <= now + NOW_MS)
  if (!fits) return { expected: `a confirmation of ${message.id}` }
  return { next: withMessage(state, confirmed(message, at.delivered_at, now)) }
}

export function judgeConfirmMany(state: State, call: Of<'confirm_many'>, heard: Heard, now: number): Verdict {
  const ids = [...new Set(call.ids.map((id) => id.toLowerCase()))]
  const found = ids.flatMap((id) => findConfirmable(state, call.by, id, now) ?? [])
  const delivered = found.map(({ id }) => id)
  const unknown = ids.filter((id) => !delivered.includes(id))
  const next = found.reduce((so, message) => withMessage(so, confirmed(message, 'unheard', now)), state)
  return expecting({ data: { delivered, unknown } }, heard, next)
}

export function judgeStatus(state: State, call: Of<'status'>, heard: Heard, now: number): Verdict {
  const id = call.id.toLowerCase()
  const message = state.messages.find(
    (one) => one.id === id && one.by === call.by && one.to === call.to.toLowerCase() && one.forgetAt > now,
  )
  if (!message) return expecting(NOT_FOUND, heard, state)
  const { deliveredAt } = message
  if (deliveredAt === undefined)
    return expecting({ data: { id, status: message.expiresAt > now ? 'pending' : 'expired' } }, heard, state)
  if (deliveredAt !== 'unheard')
    return expecting({ data: { id, status: 'delivered', delivered_at: isoOf(deliveredAt) } }, heard, state)
  const at = deliveredHeard.safeParse(heard).data?.data
  if (at?.id !== id || at.delivered_at > now + NOW_MS) return { expected: `that ${id} is delivered` }
  return { next: withMessage(state, confirmed(message, at.delivered_at, now)) }
}
