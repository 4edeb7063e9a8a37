import { createClient } from '@redis/client'
import type { Logger } from 'pino'

const CONNECT_TIMEOUT_MS = 2000
/** Whoever waits longer for an answer has something else to do. */
const ANSWER_TIMEOUT_MS = 500
const PING_MS = 5000
/** Nothing came and nothing was sent for so long, pings included: the link is cut, and nobody said so. */
const SILENCE_MS = 2 * PING_MS
const LONGEST_RETRY_MS = 2000

function create(url: string) {
  return createClient({
    url,
    // What cannot be sent now is not sent later: limits and news are about this moment.
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 6), LONGEST_RETRY_MS),
    },
  })
}

export type RedisClient = ReturnType<typeof create>

/** A connection that comes back by itself; the log says once when it is away and once when it is back. */
export class Redis {
  private readonly client: RedisClient
  /** Questions that were given up and not answered since. */
  private overdue = 0
  private away = false

  private constructor(
    url: string,
    private readonly log: Logger,
  ) {
    this.client = create(url)
    this.client.on('ready', () => this.noteBack())
    // An unheard 'error' event ends the process. Its message may name host and user.
    this.client.on('error', () => this.noteAway())
  }

  /** Waits for the connection for a while, lest a server's first callers find Redis away; it comes later, too. */
  static async open(url: string, log: Logger): Promise<Redis> {
    const redis = new Redis(url, log)
    const { client } = redis
    const tried = new Promise<void>((resolve) => {
      client.once('ready', resolve).once('error', () => resolve())
      setTimeout(resolve, CONNECT_TIMEOUT_MS).unref()
    })
    // It fails only once it is closed.
    client.connect().catch(() => undefined)
    await tried
    return redis
  }

  /**
   * Throws while Redis is away, or where it does not answer in time: from then on at once, until it has answered.
   * The driver's own timeout ends where a command is written: it would wait for ever for a Redis that stands still.
   */
  async ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T> {
    if (!this.client.isReady || this.overdue > 0) throw new Error('Redis is away')
    const answer = question(this.client)
    const given = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => {
        this.awaitOverdue(answer)
        reject(new Error('Redis does not answer'))
      }, ANSWER_TIMEOUT_MS)
      const clear = (): void => clearTimeout(timer)
      answer.then(clear, clear)
    })
    return Promise.race([answer, given])
  }

  /** A second connection, for what the first one cannot do beside: it connects when it is told to. */
  duplicate(): RedisClient {
    return this.client.duplicate()
  }

  close(): void {
    closeClient(this.client)
  }

  private awaitOverdue(answer: Promise<unknown>): void {
    this.overdue++
    this.noteAway()
    const settle = (): void => {
      this.overdue--
      if (this.client.isReady) this.noteBack()
    }
    answer.then(settle, settle)
  }

  private noteAway(): void {
    if (!this.away)
      this.log.warn('Redis is away: limits are counted by each instance, and streams wait for the slow look')
    this.away = true
  }

  private noteBack(): void {
    if (this.overdue > 0) return
    if (this.away) this.log.info('Redis is back')
    this.away = false
  }
}

export function closeClient(client: RedisClient): void {
  if (client.isOpen) client.destroy()
}
