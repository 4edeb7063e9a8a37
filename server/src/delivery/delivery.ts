import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { Channel, ChannelEvents } from './channel.js'
import { Hub, type OwnNews } from './hub.js'
import { Outbox } from './outbox.js'
import { decodeNews } from './payload.js'
import { ALIVE_MS, Peers } from './peers.js'

/** Opens the way to the other instances. */
export type OpenChannel = (events: ChannelEvents) => Channel

/** News of what is committed, to this instance's listeners at once and to the others' a moment later. */
export class Delivery {
  readonly hub = new Hub()
  private readonly name = randomUUID()
  private readonly channel: Channel
  private readonly outbox: Outbox
  private readonly peers: Peers
  private readonly presence: NodeJS.Timeout
  /** There was news while no other instance was known. */
  private unsaid = false

  /** @param clock - of durations */
  constructor(open: OpenChannel, clock: Clock) {
    this.peers = new Peers(clock)
    this.channel = open({
      heard: (text) => this.hear(text),
      joined: () => this.join(),
    })
    this.outbox = new Outbox(this.name, (texts) => this.channel.carry(texts))
    this.presence = setInterval(() => this.outbox.greet({ lacking: false }), ALIVE_MS)
  }

  announce({ wake = [], kept = [], delivered = [] }: Partial<OwnNews>): void {
    // A notification costs as much as a send, and is for others alone.
    if (!this.peers.exist()) {
      this.unsaid = true
      return this.hub.tell({ wake, kept, delivered })
    }
    // Streams read what is new, and so in its order: a message that the same sender gave to another instance before may
    // not be known here yet.
    const news = { wake: [...wake, ...kept.map(({ recipientId }) => recipientId)], delivered }
    this.hub.tell(news)
    this.outbox.add(news)
  }

  /** Ends all listening: streams end and waits are answered. */
  endListening(): void {
    this.hub.close()
  }

  /** Carries the last news, and leaves. */
  async close(): Promise<void> {
    clearInterval(this.presence)
    await this.outbox.close()
    await this.channel.close()
  }

  /** What was said before this moment was not heard here. */
  private join(): void {
    this.hub.wakeAll()
    this.outbox.greet({ lacking: false })
  }

  /** Neither told the other anything before: both look again. */
  private meet(): void {
    this.hub.wakeAll()
    this.outbox.greet({ lacking: this.unsaid })
    this.unsaid = false
  }

  private hear(text: string): void {
    const news = decodeNews(text)
    if (!news || news.from === this.name) return
    if (this.peers.hear(news.from)) this.meet()
    if (news.all) this.hub.wakeAll()
    else this.hub.tell(news)
  }
}
