import { randomUUID } from 'node:crypto'
import type { Channel, ChannelEvents } from './channel.js'
import { Hub, type News } from './hub.js'
import { Outbox } from './outbox.js'
import { decodeNews } from './payload.js'

/** Opens the way to the other instances. */
export type OpenChannel = (events: ChannelEvents) => Channel

/** News of what is committed, to this instance's listeners at once and to the others' a moment later. */
export class Delivery {
  readonly hub = new Hub()
  private readonly name = randomUUID()
  private readonly channel: Channel
  private readonly outbox: Outbox

  constructor(open: OpenChannel) {
    this.channel = open({
      heard: (text) => this.hear(text),
      joined: () => this.hub.wakeAll(),
    })
    this.outbox = new Outbox(this.name, (texts) => this.channel.carry(texts))
  }

  announce(news: Partial<News>): void {
    this.hub.tell(news)
    this.outbox.add(news)
  }

  /** Ends all listening: streams end and waits are answered. */
  endListening(): void {
    this.hub.close()
  }

  /** Carries the last news, and leaves. */
  async close(): Promise<void> {
    await this.outbox.close()
    await this.channel.close()
  }

  private hear(text: string): void {
    const news = decodeNews(text)
    if (!news || news.from === this.name) return
    if (news.all) this.hub.wakeAll()
    else this.hub.tell(news)
  }
}
