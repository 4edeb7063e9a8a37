import {
  ApiError,
  PAGE_BYTES,
  parseId,
  type Caller,
  type Confirmation,
  type Confirmations,
  type Ending,
  type ListRequest,
  type LiveEvent,
  type MailboxService,
  type MessageStatus,
  type Outgoing,
  type Page,
  type Receipt,
  type StatusRequest,
} from '@secure-messenger/api'
import pLimit from 'p-limit'
import type { Clock } from '../clock.js'
import { Batcher } from '../database/batcher.js'
import { shortOfRoom, type Room } from '../database/free-space.js'
import type { Delivery } from '../delivery/delivery.js'
import type { Announce, Hub } from '../delivery/hub.js'
import type { Capacity } from './capacity.js'
import { confirmTogether, type Confirmed, type ConfirmRequest } from './confirming.js'
import { makeDraft, type Draft } from './draft.js'
import { LiveStream } from './live.js'
import type { OpenPlaces } from './open-places.js'
import type { PageRequest, PageStore } from './page-store.js'
import { Sending, sendTogether } from './sending.js'
import type { MailboxStore } from './store.js'
import { waitForPage } from './waiting.js'

const DEFAULT_PAGE = 50
/** While one is flushed the next is worked on, and two that end together share a flush. */
const BATCHES_AT_ONCE = 2
/** Of an id as text. */
const ID_BYTES = 36

/** Mailboxes that are read by one statement: their pages are in memory together, of up to 2 MiB each. */
const LISTS_TOGETHER = 8
/** What streams hold in memory is bounded by this, not by a page's. */
const LIVE_PAGE = { limit: 100, maxBytes: 262_144 }
/** Streams that read at once: thousands that are woken together leave connections for everybody else. */
const LIVE_READS_AT_ONCE = 4

interface MailboxOptions {
  readonly store: MailboxStore
  readonly pages: PageStore
  readonly capacity: Capacity
  readonly places: OpenPlaces
  readonly delivery: Pick<Delivery, 'hub' | 'announce'>
  readonly room: Room
  /** Of durations. */
  readonly monotonic: Clock
  /** Of the day. */
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
  private readonly lists: Batcher<PageRequest, Page>
  private readonly pages: PageStore
  private readonly capacity: Capacity
  private readonly makeId: () => string
  private readonly hub: Hub
  private readonly places: OpenPlaces
  private readonly room: Room
  private readonly clock: Clock
  private readonly monotonic: Clock
  private readonly readInTurn = pLimit(LIVE_READS_AT_ONCE)

  constructor(options: MailboxOptions) {
    const { store, pages, capacity, places, delivery, room, clock, monotonic, makeId } = options
    const announce: Announce = (news) => delivery.announce(news)
    const sending = new Sending(store, capacity)
    this.store = store
    this.pages = pages
    this.capacity = capacity
    this.makeId = makeId
    this.hub = delivery.hub
    this.places = places
    this.room = room
    this.clock = clock
    this.monotonic = monotonic
    this.sends = new Batcher({
      atOnce: BATCHES_AT_ONCE,
      perform: (drafts) => sendTogether(sending, announce, drafts),
      weigh: ({ bytes }) => bytes,
    })
    this.confirmations = new Batcher({
      atOnce: BATCHES_AT_ONCE,
      perform: (requests) => confirmTogether(store, announce, requests),
      weigh: ({ ids }) => ids.length * ID_BYTES,
    })
    this.lists = new Batcher({
      atOnce: BATCHES_AT_ONCE,
      maxItems: LISTS_TOGETHER,
      perform: (requests) => pages.readEach(requests),
      weigh: () => ID_BYTES,
    })
  }

  send(senderId: string, message: Outgoing): Promise<Receipt> {
    if (this.room.isShort) return Promise.reject(shortOfRoom())
    return this.sends.add(makeDraft(senderId, message, this.makeId))
  }

  async list(
    recipientId: string,
    { limit = DEFAULT_PAGE, after, wait: waitSeconds = 0 }: ListRequest,
    disconnected: () => Ending,
  ): Promise<Page> {
    const read = () => this.lists.add({ recipientId, limit, after, maxBytes: PAGE_BYTES })
    if (waitSeconds === 0) return read()
    const signal = disconnected()
    await this.places.take(recipientId, signal)
    const listener = this.hub.attach(recipientId, signal)
    return waitForPage({ read, listener, waitSeconds, clock: this.monotonic })
  }

  async live({ userId, expiresAt }: Caller, disconnected: Ending): Promise<AsyncIterable<LiveEvent>> {
    await this.places.take(userId, disconnected)
    const stream = new LiveStream({
      read: (after, except) =>
        this.readInTurn(() => this.pages.read({ ...LIVE_PAGE, recipientId: userId, after }, except)),
      listener: this.hub.attach(userId, disconnected),
      expiresAt,
      clock: this.clock,
    })
    return stream.events()
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
