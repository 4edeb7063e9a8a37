import { setTimeout as sleep } from 'node:timers/promises'
import pg, { type PoolConfig } from 'pg'
import type { Logger } from 'pino'
import { describeFault } from '../log.js'
import type { Channel, ChannelEvents } from './channel.js'

const NAME = 'secure_messenger_news'
const TIMEOUT_MS = 5000
/** A link that is cut without a word is noticed by this. */
const HEARTBEAT_MS = 15_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000

/**
 * LISTEN and NOTIFY on a connection of its own. NOTIFY holds a lock of the whole database through its commit, so it
 * never stands in a transaction with anything else.
 * connecting → listening → (lost) → connecting …, until it is closed.
 */
export class PostgresChannel implements Channel {
  private client: pg.Client | undefined
  private closed = false
  private readonly stopping = new AbortController()
  private readonly living: Promise<void>

  constructor(
    private readonly connection: PoolConfig,
    private readonly events: ChannelEvents,
    private readonly log: Logger,
  ) {
    this.living = this.live()
  }

  async carry(texts: readonly string[]): Promise<void> {
    if (!this.client) throw new Error('not connected')
    await this.client.query({
      name: 'news',
      text: 'select pg_notify($1, text) from unnest($2::text[]) as texts(text)',
      values: [NAME, texts],
    })
  }

  async close(): Promise<void> {
    this.closed = true
    this.stopping.abort()
    await this.client?.end().catch(() => undefined)
    await this.living
  }

  /** Connects again and again: at once after a link that held, and then more and more slowly. */
  private async live(): Promise<void> {
    let [pauseMs, told] = [FIRST_RETRY_MS, false]
    while (!this.closed) {
      try {
        await this.connectAndStay(() => {
          if (told) this.log.info('news of other instances comes again')
          ;[pauseMs, told] = [FIRST_RETRY_MS, false]
        })
      } catch (error) {
        if (!told && !this.closed)
          this.log.warn(describeFault(error), 'no news of other instances until the database answers')
        told = true
      }
      await sleep(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, LAST_RETRY_MS)
    }
  }

  /** Returns or throws when the link is over. */
  private async connectAndStay(connected: () => void): Promise<void> {
    const client = new pg.Client({
      ...this.connection,
      application_name: 'secure-messenger news',
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
    })
    const over = new Promise<void>((resolve) => {
      client.once('end', resolve)
      client.on('error', () => resolve())
    })
    client.on('notification', ({ payload }) => this.events.heard(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${NAME}`)
      this.client = client
      connected()
      // What was said before this moment nobody here heard.
      this.events.joined()
      await this.stay(client, over)
    } finally {
      this.client = undefined
      await client.end().catch(() => undefined)
    }
  }

  private async stay(client: pg.Client, over: Promise<void>): Promise<void> {
    const gone = over.then(() => 'gone' as const)
    while (!this.closed) {
      const woken = new AbortController()
      const beat = sleep(HEARTBEAT_MS, 'beat' as const, { signal: woken.signal, ref: false }).catch(
        () => 'gone' as const,
      )
      const what = await Promise.race([gone, beat])
      woken.abort()
      if (what === 'gone') return
      await client.query('select 1')
    }
  }
}
