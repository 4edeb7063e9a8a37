import net from 'node:net'

const ANSWER_TIMEOUT_MS = 30_000

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly token?: string
  readonly body?: string
  readonly form?: boolean
}

function encode({ method, path, token, body, form }: Call): string {
  const credentials = token === undefined ? '' : `authorization: Bearer ${token}\r\n`
  const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${credentials}`
  if (body === undefined) return method === 'GET' ? `${head}\r\n` : `${head}content-length: 0\r\n\r\n`
  const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
  return `${head}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The answer, once all of it is there, and where it ends. */
function decode(received: Buffer): { answer: Answer; end: number } | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${head.slice(0, 200)}`)
  const start = headEnd + 4
  const end = start + Number(length)
  if (received.length < end) return undefined
  return { answer: { status: Number(head.slice(9, 12)), body: received.subarray(start, end) }, end }
}

/**
 * One keep-alive connection with one request at a time. Bare sockets: the generator shares the cores with what it
 * measures, and node:http's client would take several times as much of them.
 */
export class Connection {
  private received: Buffer = Buffer.alloc(0)
  private waiting: Waiting | undefined

  private constructor(private readonly socket: net.Socket) {
    socket.setTimeout(ANSWER_TIMEOUT_MS)
    socket.on('data', (chunk) => this.hear(chunk))
    socket.on('timeout', () => socket.destroy(new Error('no answer within 30 seconds')))
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(new Error('the server closed the connection')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Connection(socket)))
    })
  }

  /** @throws on anything but a 2xx */
  async ask(call: Call): Promise<Buffer> {
    const { status, body } = await this.exchange(encode(call))
    if (status >= 200 && status < 300) return body
    throw new Error(`${call.method} ${call.path} answered ${status}: ${body.toString().slice(0, 300)}`)
  }

  close(): void {
    this.waiting = undefined
    this.socket.destroy()
  }

  private exchange(bytes: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new Error('the connection is closed'))
      this.waiting = { resolve, reject }
      this.socket.write(bytes)
    })
  }

  private hear(chunk: Buffer): void {
    this.received = this.received.length > 0 ? Buffer.concat([this.received, chunk]) : chunk
    try {
      const decoded = decode(this.received)
      if (!decoded) return
      this.received = this.received.subarray(decoded.end)
      const { waiting } = this
      this.waiting = undefined
      waiting?.resolve(decoded.answer)
    } catch (error) {
      this.socket.destroy(error instanceof Error ? error : new Error('an answer that is no HTTP'))
    }
  }

  private fail(error: Error): void {
    const { waiting } = this
    this.waiting = undefined
    waiting?.reject(error)
  }
}
