import { closeClient, type Redis, type RedisClient } from '../redis.js'
import type { Channel, ChannelEvents } from './channel.js'

const NAME = 'secure-messenger:news'

/** Redis pub/sub: one connection that hears, and the shared one that speaks. */
export class RedisChannel implements Channel {
  private readonly subscriber: RedisClient

  constructor(
    private readonly publisher: Redis,
    events: ChannelEvents,
  ) {
    this.subscriber = publisher.duplicate()
    // The log hears of Redis from the publisher.
    this.subscriber.on('error', () => undefined)
    // One function: it subscribes again by itself after a cut, and two would hear everything twice.
    const hear = (text: string): void => events.heard(text)
    this.subscriber.on('ready', () => {
      this.subscriber.subscribe(NAME, hear).then(
        () => events.joined(),
        () => undefined,
      )
    })
    this.subscriber.connect().catch(() => undefined)
  }

  async carry(texts: readonly string[]): Promise<void> {
    await Promise.all(texts.map((text) => this.publisher.ask((client) => client.publish(NAME, text))))
  }

  async close(): Promise<void> {
    closeClient(this.subscriber)
  }
}
