/** A statement as it came to the database. */
export interface Sent {
  /** Empty where it was not prepared by name. */
  readonly name: string
  readonly text: string
  readonly values: readonly (Buffer | null)[]
}

/** Reads through a message of PostgreSQL's protocol, version 3. */
class Reader {
  private at = 0
  constructor(private readonly bytes: Buffer) {}

  text(): string {
    const end = this.bytes.indexOf(0, this.at)
    const text = this.bytes.toString('utf8', this.at, end)
    this.at = end + 1
    return text
  }

  short(): number {
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  /** A value with its length before it; null has the length -1. */
  value(): Buffer | null {
    const length = this.bytes.readInt32BE(this.at)
    this.at += 4
    if (length < 0) return null
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

const HEAD_BYTES = 5
const LENGTH_BYTES = 4

/** One connection's messages to the database: Parse gives a statement a name, Bind gives it values. */
class Conversation {
  private rest = Buffer.alloc(0)
  private begun = false
  private readonly texts = new Map<string, string>()

  constructor(private readonly tell: (sent: Sent) => void) {}

  hear(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes])
    // Only the first message has no letter.
    if (!this.begun && !this.skipStartup()) return
    while (this.rest.length >= HEAD_BYTES) {
      const end = 1 + this.rest.readInt32BE(1)
      if (this.rest.length < end) return
      this.read(String.fromCharCode(this.rest[0] ?? 0), this.rest.subarray(HEAD_BYTES, end))
      this.rest = this.rest.subarray(end)
    }
  }

  private skipStartup(): boolean {
    if (this.rest.length < LENGTH_BYTES) return false
    const length = this.rest.readInt32BE(0)
    if (this.rest.length < length) return false
    this.rest = this.rest.subarray(length)
    this.begun = true
    return true
  }

  private read(type: string, body: Buffer): void {
    const reader = new Reader(body)
    if (type === 'Q') this.tell({ name: '', text: reader.text(), values: [] })
    if (type === 'P') this.texts.set(reader.text(), reader.text())
    if (type !== 'B') return
    reader.text()
    const name = reader.text()
    for (let formats = reader.short(); formats > 0; formats--) reader.short()
    const values = Array.from({ length: reader.short() }, () => reader.value())
    this.tell({ name, text: this.texts.get(name) ?? '', values })
  }
}

/** Hears every statement that a link's connections carry to the database. */
export class StatementTap {
  readonly sent: Sent[] = []
  private readonly conversations = new Map<number, Conversation>()

  /** For `DatabaseLink`. */
  toDatabase(bytes: Buffer, connection: number): void {
    const conversation =
      this.conversations.get(connection) ?? new Conversation((statement) => this.sent.push(statement))
    this.conversations.set(connection, conversation)
    conversation.hear(bytes)
  }

  /** What was heard since it was last asked. */
  take(): Sent[] {
    return this.sent.splice(0)
  }
}
