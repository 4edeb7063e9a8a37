/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e]*)$/

function malformed(what: string, text: string): Error {
  return new Error(`${what}: ${JSON.stringify(text.slice(0, 300))}`)
}

/** @throws where the text is anything but whole, well-formed answers, one after the other */
export class AnswerReader {
  private at = 0

  constructor(private readonly text: string) {}

  /** @param bodiless - how many of the first answers are to a HEAD, by their places */
  readAll(bodiless: ReadonlySet<number> = new Set()): RawAnswer[] {
    const answers: RawAnswer[] = []
    while (this.at < this.text.length) {
      const answer = this.readOne(bodiless.has(answers.length))
      // "100 Continue" comes before an answer and is none.
      if (answer.status >= 200) answers.push(answer)
    }
    return answers
  }

  private readOne(bodiless: boolean): RawAnswer {
    const end = this.text.indexOf('\r\n\r\n', this.at)
    if (end < 0) throw malformed('an answer whose head has no end', this.text.slice(this.at))
    const [first = '', ...lines] = this.text.slice(this.at, end).split('\r\n')
    const status = Number(STATUS_LINE.exec(first)?.[1])
    if (!status) throw malformed('no status line', first)
    const headers = new Map<string, string>()
    for (const line of lines) {
      const [, name, value] = HEADER_LINE.exec(line) ?? []
      if (name === undefined || value === undefined) throw malformed('no header', line)
      headers.set(name.toLowerCase(), value)
    }
    this.at = end + 4
    const empty = bodiless || status < 200 || status === 204
    return { status, headers, body: empty ? '' : this.readBody(headers) }
  }

  private readBody(headers: ReadonlyMap<string, string>): string {
    if (headers.get('transfer-encoding') === 'chunked') return this.readChunks()
    const length = headers.get('content-length')
    if (length === undefined) throw malformed('an answer without a length', [...headers.keys()].join(' '))
    return this.take(Number(length))
  }

  private readChunks(): string {
    let body = ''
    for (;;) {
      const end = this.text.indexOf('\r\n', this.at)
      const size = Number.parseInt(this.text.slice(this.at, end), 16)
      if (end < 0 || Number.isNaN(size)) throw malformed('no chunk', this.text.slice(this.at))
      this.at = end + 2
      body += this.take(size)
      if (this.take(2) !== '\r\n') throw malformed('a chunk without an end', this.text.slice(this.at))
      if (size === 0) return body
    }
  }

  private take(length: number): string {
    const taken = this.text.slice(this.at, this.at + length)
    if (taken.length !== length) throw malformed('an answer that is cut short', taken)
    this.at += length
    return taken
  }
}
