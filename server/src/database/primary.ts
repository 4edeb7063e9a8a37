import { setTimeout as sleep } from 'node:timers/promises'
import { callbackify } from 'node:util'
import pg, { type ClientConfig } from 'pg'
import { ConnectionFault } from './faults.js'

/** How the database is reached: as `pg` takes it, and the kind of client where it may be on one of several hosts. */
export interface Connection extends ClientConfig {
  readonly Client?: typeof pg.Client
  /** All of them, where there are several. */
  readonly urls?: readonly string[]
}

/** Of connecting and of answering, each: together less than a pool waits for a connection. */
const ASK_TIMEOUT_MS = 2000
/** How long hosts may be slower than the first that is a primary. */
const GRACE_MS = 300

// A WAL file's name begins with the timeline, which each promotion counts up. A standby writes none.
const ASK = `
  select current_setting('transaction_read_only') = 'on' as read_only,
    case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline`

interface Primary {
  readonly host: string
  readonly port: number
  readonly timeline: string
}

/** @throws where the host cannot be reached, or nothing can be written there */
async function ask(connectionString: string): Promise<Primary> {
  const client = new pg.Client({
    connectionString,
    application_name: 'secure-messenger search',
    connectionTimeoutMillis: ASK_TIMEOUT_MS,
    query_timeout: ASK_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ timeline: string | null; read_only: boolean }>(ASK)
    const [answer] = rows
    if (!answer?.timeline || answer.read_only) throw new Error('nothing can be written there')
    return { host: client.host, port: client.port, timeline: answer.timeline }
  } finally {
    void client.end().catch(() => undefined)
  }
}

/**
 * Finds the primary among hosts. All are asked each time, and the newest timeline wins: a former primary that nobody
 * told still says that it is one, and its commits wait for ever for a standby that has left it.
 */
class Search {
  private readonly clients = new Set<pg.Client>()
  private underWay: Promise<Primary> | undefined

  constructor(private readonly urls: readonly string[]) {}

  /** Those who ask during a search share its answer. */
  find(): Promise<Primary> {
    return (this.underWay ??= this.askAll().finally(() => (this.underWay = undefined)))
  }

  /** Of a client that is connected: it is told when the primary is elsewhere. */
  watch(client: pg.Client): void {
    this.clients.add(client)
    client.once('end', () => this.clients.delete(client))
  }

  private async askAll(): Promise<Primary> {
    const found: Primary[] = []
    const answers = this.urls.map(async (url) => void found.push(await ask(url)))
    await Promise.any(answers).catch((error: unknown) => {
      const reasons = error instanceof AggregateError ? error.errors.map(String).join('; ') : ''
      throw new ConnectionFault('08001', `none of the hosts is a primary that takes writes: ${reasons}`)
    })
    await Promise.race([Promise.allSettled(answers), sleep(GRACE_MS, undefined, { ref: false })])
    const newest = found.reduce((best, other) => (other.timeline > best.timeline ? other : best))
    this.leaveOthers(newest)
    return newest
  }

  private leaveOthers({ host, port }: Primary): void {
    const others = [...this.clients].filter((client) => client.host !== host || client.port !== port)
    const fault = new ConnectionFault('08006', 'another host is the primary now')
    // Later, for who has just been handed a client does not listen yet.
    setImmediate(() => {
      for (const client of others) client.emit('error', fault)
    })
  }
}

type Connected = (error: Error | null, client?: pg.Client) => void

/** A connection to whichever of the URLs' hosts is the primary; each client that is made finds it anew. */
export function connectToPrimary(urls: readonly string[]): Connection {
  const connection = { connectionString: urls[0] }
  if (urls.length === 1) return connection
  const search = new Search(urls)
  class PrimaryClient extends pg.Client {
    override connect(): Promise<pg.Client>
    override connect(callback: Connected): void
    override connect(callback?: Connected): Promise<pg.Client> | void {
      if (!callback) return this.findAndConnect()
      callbackify(() => this.findAndConnect())(callback)
    }

    private async findAndConnect(): Promise<pg.Client> {
      const { host, port } = await search.find()
      this.host = host
      this.port = port
      // Its owner listens once it is told, which a host that dies in this moment does not wait for; the owner then finds
      // that nothing can be asked. An error that nobody hears would end the process.
      this.on('error', () => undefined)
      await super.connect()
      search.watch(this)
      return this
    }
  }
  return { ...connection, urls, Client: PrimaryClient }
}

/** A connection of its own, beside the pool. */
export function createClient({ Client = pg.Client, ...config }: Connection): pg.Client {
  return new Client(config)
}
