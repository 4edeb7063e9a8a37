import { createHash } from 'node:crypto'
import type { ClientRateLimitInfo } from 'express-rate-limit'
import { RedisStore } from 'rate-limit-redis'
import type { Redis, RedisClient } from '../redis.js'

/** Redis is not to know who calls, nor the names that people log in with. */
function hide(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url')
}

/** A row's counters in Redis, where all instances count together. Throws while Redis is away. */
export class SharedStore {
  private store: RedisStore | undefined

  constructor(
    private readonly redis: Redis,
    private readonly name: string,
    private readonly windowMs: number,
  ) {}

  increment(subject: string): Promise<ClientRateLimitInfo> {
    return this.ask((store) => store.increment(hide(subject)))
  }

  get(subject: string): Promise<ClientRateLimitInfo | undefined> {
    return this.ask((store) => store.get(hide(subject)))
  }

  private async ask<T>(question: (store: RedisStore) => Promise<T>): Promise<T> {
    try {
      return await this.redis.ask((client) => question((this.store ??= this.open(client))))
    } catch (error) {
      // It keeps what became of loading its scripts, also where that failed.
      this.store = undefined
      throw error
    }
  }

  /** As its `init` does, but that nobody would hear where that fails. */
  private open(client: RedisClient): RedisStore {
    const store = new RedisStore({
      prefix: `secure-messenger:limit:${this.name}:`,
      sendCommand: (...command: string[]) => client.sendCommand(command),
    })
    store.windowMs = this.windowMs
    store.incrementScriptSha = store.loadIncrementScript()
    store.getScriptSha = store.loadGetScript()
    for (const script of [store.incrementScriptSha, store.getScriptSha]) script.catch(() => undefined)
    return store
  }
}
