import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const SOCKET_PORT = 5432

/** What a link tells of the bytes that pass it; what returns false is held back, and the link is cut there. */
export interface Passing {
  /** Bytes wait for their turn before they go on, if they have one, and what follows them behind them. */
  turn?(bytes: Buffer, connection: number, to: 'database' | 'server'): Promise<void> | undefined
  toDatabase?(bytes: Buffer, connection: number): void
  toServer?(bytes: Buffer, connection: number): boolean
}

/** Where a database's URL leads to: a TCP port, or a Unix socket. */
function targetOf(databaseUrl: string): net.NetConnectOpts {
  const { hostname, port, searchParams } = new URL(databaseUrl)
  const folder = searchParams.get('host')
  if (folder !== null)
    return { path: path.join(folder, `.s.PGSQL.${searchParams.get('port') ?? (port || SOCKET_PORT)}`) }
  return { host: hostname, port: Number(port || SOCKET_PORT) }
}

/** A server's way to its database, or to Redis, that a test listens on, and disturbs. */
export class DatabaseLink {
  private readonly pairs = new Map<number, readonly [net.Socket, net.Socket]>()
  private readonly target: net.NetConnectOpts
  private readonly server: net.Server
  private count = 0
  private stalled = false
  private refusing = false
  private delayMs = 0

  private constructor(
    private readonly databaseUrl: string,
    private readonly passing: Passing,
  ) {
    this.target = targetOf(databaseUrl)
    this.server = net.createServer((socket) => this.accept(socket))
  }

  static async open(databaseUrl: string, passing: Passing = {}): Promise<DatabaseLink> {
    const link = new DatabaseLink(databaseUrl, passing)
    await new Promise<void>((resolve) => link.server.listen(0, '127.0.0.1', resolve))
    return link
  }

  /** The same database, this way. */
  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the link is closed')
    const url = new URL(this.databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(address.port)
    url.searchParams.delete('host')
    url.searchParams.delete('port')
    return url.toString()
  }

  /** The numbers of the connections that there are. */
  get current(): readonly number[] {
    return [...this.pairs.keys()]
  }

  get connections(): number {
    return this.pairs.size
  }

  /** Cuts every connection, as a failing network does. */
  cut(): void {
    for (const [near, far] of this.pairs.values()) {
      near.resetAndDestroy()
      far.destroy()
    }
  }

  /** Lets nobody through until `allow`. */
  refuse(): void {
    this.refusing = true
    this.cut()
  }

  /** Nothing passes any more and nobody is told: the link is half open. New connections stand still, too. */
  stall(): void {
    this.stalled = true
    for (const pair of this.pairs.values()) for (const socket of pair) socket.pause()
  }

  /** The same for connections that there are, and not for new ones. */
  stallOnly(connections: Iterable<number>): void {
    for (const connection of connections)
      for (const socket of this.pairs.get(connection) ?? []) socket.pause()
  }

  /** Everything that is sent comes so much later. */
  slow(delayMs: number): void {
    this.delayMs = delayMs
  }

  /** As at the beginning. */
  allow(): void {
    this.refusing = false
    this.delayMs = 0
    this.stalled = false
    for (const pair of this.pairs.values()) for (const socket of pair) socket.resume()
  }

  async close(): Promise<void> {
    this.refuse()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private accept(near: net.Socket): void {
    if (this.refusing) return void near.resetAndDestroy()
    const far = net.connect(this.target)
    const pair = [near, far] as const
    const connection = (this.count += 1)
    this.pairs.set(connection, pair)
    const end = (): void => {
      near.destroy()
      far.destroy()
      this.pairs.delete(connection)
    }
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end)
    near.on('data', (bytes: Buffer) => {
      this.passing.toDatabase?.(bytes, connection)
      void this.pass(bytes, near, far, this.passing.turn?.(bytes, connection, 'database'))
    })
    far.on('data', (bytes: Buffer) => {
      if (this.passing.toServer?.(bytes, connection) === false) end()
      else void this.pass(bytes, far, near, this.passing.turn?.(bytes, connection, 'server'))
    })
    if (this.stalled) for (const socket of pair) socket.pause()
  }

  private async pass(
    bytes: Buffer,
    from: net.Socket,
    to: net.Socket,
    turn: Promise<void> | undefined,
  ): Promise<void> {
    if (turn) {
      from.pause()
      await turn
      if (!this.stalled) from.resume()
    }
    if (this.delayMs > 0) await sleep(this.delayMs)
    if (!to.destroyed) to.write(bytes)
  }
}
