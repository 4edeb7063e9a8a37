import { randomUUID } from 'node:crypto'
import http, { type RequestListener, type ServerResponse } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, toProblem } from '@secure-messenger/api'
import { listen, stopListening } from './listening.js'
import { Roll } from './roll.js'

const HEADERS_TIMEOUT_MS = 15_000
/** For the whole request with its body. */
const REQUEST_TIMEOUT_MS = 30_000
/** Longer than the usual proxy's, so that the proxy is the one to close an idle connection. */
const KEEP_ALIVE_MS = 75_000
/** A connection on which nothing moves this long ends: a client that does not read pins its answer in memory. */
const SILENCE_TIMEOUT_MS = 60_000
/**
 * How often Node looks for connections beyond the times above. A look ends in one go all that it finds: of ten thousand
 * silent ones that took a third of a second, in which nobody was served. So it finds few.
 */
const CHECK_INTERVAL_MS = 250
const DRAIN_POLL_MS = 20
/**
 * A proxy may be sending on a connection that is idle here, and would see it cut. One that ends its own idle connections
 * sooner than this never does; what comes meanwhile gets its answer, and `Connection: close` with it.
 */
const IDLE_GRACE_MS = 5000

export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * What cannot be read as HTTP gets a problem, too, and its connection ends. Whoever said nothing at all is told nothing.
 *
 * @param last - the answer to the connection's last request. Where that was sent before the request proved unreadable, a
 *   second one would be taken for the next request's.
 */
function refuseUnreadable(socket: Duplex, last?: ServerResponse): void {
  const silent = socket instanceof net.Socket && socket.bytesRead === 0
  if (silent || !socket.writable) return void socket.destroy()
  if (last?.headersSent && !last.req.complete) return void socket.end()
  const body = JSON.stringify(toProblem(new ApiError('malformed_request'), undefined))
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Content-Type-Options: nosniff\r\nX-Request-Id: ${randomUUID()}\r\nCache-Control: no-store\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}

/** Where its head is not out yet, tells the client that this answer is the connection's last. */
function sayLast(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close')
}

/** What is under way on a connection. */
interface Conversation {
  /** Answers that have not ended, in the order of their requests: of pipelined ones there are several. */
  readonly open: ServerResponse[]
  /** The answer to its last request. */
  last?: ServerResponse
}

const CONVERSATION = Symbol('conversation')

/** A connection with its conversation: a map of them would hold on to what is over, as a `Set` does (see `Roll`). */
type Connection = Duplex & { [CONVERSATION]?: Conversation }

/** An HTTP server that can come to an end without losing a request it has accepted. */
export class HttpServer {
  private readonly server: http.Server | https.Server
  private connections = 0
  private readonly conversations = new Roll<Conversation>()
  private draining = false
  private left: (() => void) | undefined

  constructor(listener: RequestListener, tls: TlsFiles | undefined) {
    const counted: RequestListener = (req, res) => {
      const conversation = this.conversationOn(req.socket)
      const { open } = conversation
      open.push(res)
      conversation.last = res
      res.once('close', () => open.splice(open.indexOf(res), 1))
      if (this.draining) sayLast(res)
      listener(req, res)
    }
    const options = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      // Node's own refusal has no body; the app tells it as it tells everything.
      requireHostHeader: false,
    }
    this.server = tls
      ? https.createServer({ ...tls, ...options }, counted)
      : http.createServer(options, counted)
    this.server.timeout = SILENCE_TIMEOUT_MS
    this.server.on('clientError', (_error, socket: Connection) => {
      const conversation = socket[CONVERSATION]
      // Another request's answer is due first: this one would be taken for it.
      if (conversation?.open.some(({ req }) => req.complete)) socket.destroy()
      else refuseUnreadable(socket, conversation?.last)
    })
    this.server.on('connection', (socket) => this.watch(socket))
    this.server.on('connect', (_req, socket) => refuseUnreadable(socket))
    // An expectation that is unknown may be ignored (RFC 9110, 10.1.1); Node would answer it without a body.
    this.server.on('checkExpectation', counted)
  }

  /** @returns the port, which the system chooses for 0 */
  listen(port: number, host: string | undefined): Promise<number> {
    return listen(this.server, port, host)
  }

  /** Instead of listening, where another process does and connections come by `take`. */
  prepare(): void {
    // From this event on Node keeps account of connections and ends those that take too long.
    this.server.emit('listening')
  }

  /** Serves a connection that another process listened for. */
  take(socket: net.Socket): void {
    // As http has it where it listens by itself: some clients end their side with their request.
    socket.allowHalfOpen = true
    socket.setNoDelay(true)
    this.server.emit('connection', socket)
    socket.resume()
  }

  private watch(socket: Duplex): void {
    this.connections += 1
    socket.once('close', () => {
      this.connections -= 1
      if (this.connections === 0) this.left?.()
    })
  }

  private conversationOn(connection: Connection): Conversation {
    const known = connection[CONVERSATION]
    if (known) return known
    const begun: Conversation = { open: [] }
    connection[CONVERSATION] = begun
    connection.once('close', this.conversations.enter(begun))
    return begun
  }

  private openAnswers(): ServerResponse[] {
    return this.conversations.items().flatMap(({ open }) => open)
  }

  /** Waits until no connection is left, for `ms` at most. */
  private async untilLeft(ms: number): Promise<void> {
    if (this.connections === 0) return
    const left = new Promise<void>((resolve) => (this.left = resolve))
    await Promise.race([left, sleep(ms, undefined, { ref: false })])
  }

  /**
   * Takes no new connection, answers what was accepted and what still comes on kept connections, and closes; what is
   * not done by the deadline is cut.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.draining = true
    for (const res of this.openAnswers()) sayLast(res)
    const deadline = Date.now() + deadlineMs
    // http's own close would end idle connections at once.
    if (this.server.listening)
      await stopListening(this.server, () => net.Server.prototype.close.call(this.server))
    await this.untilLeft(Math.min(IDLE_GRACE_MS, deadlineMs))
    this.server.closeIdleConnections()
    while (this.openAnswers().length > 0 && Date.now() < deadline) {
      await sleep(DRAIN_POLL_MS)
      this.server.closeIdleConnections()
    }
    this.server.closeAllConnections()
    // And ends its timer.
    this.server.close()
  }
}
