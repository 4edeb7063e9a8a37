import http from 'node:http'

/** An event as it stood on the wire. */
export interface StreamEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: unknown
}

const PATIENCE_MS = 20_000

function parseEvent(block: string): StreamEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) fields.set(name, value)
  }
  const data = fields.get('data')
  if (data === undefined) return undefined
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: data === '' ? '' : JSON.parse(data),
  }
}

/** A client of server-sent events that keeps all it hears. */
export class Stream {
  readonly events: StreamEvent[] = []
  readonly comments: string[] = []
  ended = false
  private rest = ''
  private readonly waiting = new Set<() => void>()

  private constructor(
    readonly response: http.IncomingMessage,
    private readonly request: http.ClientRequest,
  ) {
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.hear(text))
    const end = (): void => {
      this.ended = true
      this.notify()
    }
    response.on('end', end)
    response.on('error', end)
    response.on('close', end)
  }

  /** Opens a stream; what is no 200 is given as it is. */
  static open(url: string, headers: Record<string, string>): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const request = http.get(url, { headers, agent: false }, (response) =>
        resolve(new Stream(response, request)),
      )
      request.once('error', reject)
    })
  }

  close(): void {
    this.request.destroy()
  }

  /** Waits until what was heard is so. */
  async until(isSo: () => boolean, ms = PATIENCE_MS): Promise<void> {
    const deadline = performance.now() + ms
    while (!isSo()) {
      const left = deadline - performance.now()
      if (left <= 0)
        throw new Error(`not heard within ${ms} ms; heard ${JSON.stringify(this.events).slice(0, 500)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.waiting.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  named(event: string): StreamEvent[] {
    return this.events.filter((heard) => heard.event === event)
  }

  /** Ids of the messages, as they were heard. */
  get ids(): (string | undefined)[] {
    return this.named('message').map(({ id }) => id)
  }

  drained(): Promise<void> {
    return this.until(() => this.named('drained').length > 0)
  }

  private hear(text: string): void {
    const blocks = (this.rest + text).split('\n\n')
    this.rest = blocks.pop() ?? ''
    for (const block of blocks) {
      if (block.startsWith(':')) this.comments.push(block)
      const event = parseEvent(block)
      if (event) this.events.push(event)
    }
    this.notify()
  }

  private notify(): void {
    for (const resume of this.waiting) resume()
    this.waiting.clear()
  }
}

/** `GET /messages/live` of a token's owner. */
export function openLive(base: string, token: string, headers: Record<string, string> = {}): Promise<Stream> {
  return Stream.open(`${base}/messages/live`, { authorization: `Bearer ${token}`, ...headers })
}
