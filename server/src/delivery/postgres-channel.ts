import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Logger } from 'pino'
import { leave } from '../database/leaving.js'
import { createClient, type Connection } from '../database/primary.js'
import { describeFault } from '../log.js'
import type { Channel, ChannelEvents } from './channel.js'

const NAME = 'secure_messenger_news'
const TIMEOUT_MS = 5000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000

/**
 * LISTEN and NOTIFY on a connection of its own. NOTIFY holds a lock of the whole database through its commit, so it
 * never stands in a transaction with anything else.
 * connecting → listening → (lost) → connecting …, until it is closed.
 */
export class PostgresChannel implements Channel {
  private client: Client | undefined
  private closed = false
  private readonly stopping = new AbortController()
  private readonly living: Promise<void>

  constructor(
    private readonly connection: Connection,
    private readonly events: ChannelEvents,
    private readonly log: Logger,
  ) {
    this.living = this.live()
  }

  async carry(texts: readonly string[]): Promise<void> {
    const { client } = this
    if (!client) throw new Error('not connected')
    try {
      await client.query({
        name: 'news',
        text: 'select pg_notify($1, text) from unnest($2::text[]) as texts(text)',
        values: [NAME, texts],
      })
    } catch (error) {
      // Every instance says now and then that it is there, so a link that was cut without a word is noticed here.
      void client.end().catch(() => undefined)
      throw error
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.stopping.abort()
    await leave(Promise.allSettled([this.client?.end(), this.living]))
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
    const client = createClient({
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
      // A notification is lost with the server anyway: its commit waits for no disk and no standby.
      await client.query('set synchronous_commit = off')
      await client.query(`listen ${NAME}`)
      // Closed while it connected: nobody else knows this client, to end it.
      if (this.closed) return
      this.client = client
      connected()
      // What was said before this moment nobody here heard.
      this.events.joined()
      await over
    } finally {
      this.client = undefined
      await client.end().catch(() => undefined)
    }
  }
}
