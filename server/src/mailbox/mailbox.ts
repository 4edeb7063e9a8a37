import {
  ApiError,
  parseId,
  type Confirmation,
  type Confirmations,
  type ListRequest,
  type MailboxService,
  type MessageStatus,
  type Outgoing,
  type Page,
  type Receipt,
  type StatusRequest,
} from '@secure-messenger/api'
import type { Clock } from '../clock.js'
import { Batcher } from '../database/batcher.js'
import type { Capacity } from './capacity.js'
import { confirmTogether, type Confirmed, type ConfirmRequest } from './confirming.js'
import { makeDraft, type Draft } from './draft.js'
import { Sending } from './sending.js'
import type { MailboxStore } from './store.js'

const DEFAULT_PAGE = 50
/** While one is flushed the next is worked on, and two that end together share a flush. */
const BATCHES_AT_ONCE = 2
/** Of an id as text. */
const ID_BYTES = 36

interface MailboxOptions {
  readonly store: MailboxStore
  readonly capacity: Capacity
  readonly clock: Clock
  /** Makes the ids of messages whose senders chose none. */
  readonly makeId: () => string
}

function notFound(): ApiError {
  return new ApiError('not_found', { detail: 'There is no such message.' })
}

/** Messages on their way: kept until their recipient confirms them, for seven days at most. */
export class Mailbox implements MailboxService {
  private readonly store: MailboxStore
  private readonly sends: Batcher<Draft, Receipt>
  private readonly confirmations: Batcher<ConfirmRequest, Confirmed>
  private readonly capacity: Capacity
  private readonly makeId: () => string

  constructor({ store, capacity, clock, makeId }: MailboxOptions) {
    const sending = new Sending(store, capacity)
    this.store = store
    this.capacity = capacity
    this.makeId = makeId
    this.sends = new Batcher({
      clock,
      atOnce: BATCHES_AT_ONCE,
      perform: (drafts) => sending.perform(drafts),
      weigh: ({ bytes }) => bytes,
    })
    this.confirmations = new Batcher({
      clock,
      atOnce: BATCHES_AT_ONCE,
      perform: (requests) => confirmTogether(store, requests),
      weigh: ({ ids }) => ids.length * ID_BYTES,
    })
  }

  send(senderId: string, message: Outgoing): Promise<Receipt> {
    return this.sends.add(makeDraft(senderId, message, this.makeId))
  }

  list(recipientId: string, { limit, after }: ListRequest): Promise<Page> {
    return this.store.list(recipientId, limit ?? DEFAULT_PAGE, after)
  }

  async confirm(recipientId: string, id: string): Promise<Confirmation> {
    const sought = parseId(id)
    const at = sought && (await this.confirmAll(recipientId, [sought])).get(sought)
    if (!sought || !at) throw notFound()
    return { id: sought, delivered_at: at }
  }

  async confirmMany(recipientId: string, ids: readonly string[]): Promise<Confirmations> {
    const distinct = [...new Set(ids)]
    const confirmed = await this.confirmAll(recipientId, distinct)
    return {
      delivered: distinct.filter((id) => confirmed.has(id)),
      unknown: distinct.filter((id) => !confirmed.has(id)),
    }
  }

  async status(senderId: string, { id, recipient_id }: StatusRequest): Promise<MessageStatus> {
    const sought = parseId(id)
    const status = sought && (await this.store.findStatus(senderId, recipient_id, sought))
    if (!status) throw notFound()
    return status
  }

  private async confirmAll(recipientId: string, ids: readonly string[]): Promise<Confirmed> {
    const confirmed = await this.confirmations.add({ recipientId, ids })
    this.capacity.forget(recipientId)
    return confirmed
  }
}
