import { z } from 'zod'
import type { Person } from './people.js'

export interface Sent {
  readonly id: string
  readonly sender: Person
  readonly recipient: Person
  /** Numbers start again in each phase. */
  readonly phase: number
  /** Who sent it, and the how manieth of his it was. */
  readonly worker: number
  readonly sequence: number
  readonly ciphertext: string
}

const page = z.object({
  messages: z.array(z.object({ id: z.string(), sender_id: z.string(), ciphertext: z.string() })),
})
export type Listed = z.infer<typeof page>['messages']

export function readPage(body: Buffer): Listed {
  return page.parse(JSON.parse(body.toString())).messages
}

/** What was sent, and what must come of it: no message is lost, changed, doubled or shown to another. */
export class Ledger {
  readonly sent = { total: 0, confirmed: 0 }
  private readonly open = new Map<string, Sent>()
  private readonly closed = new Set<string>()

  send(message: Sent): void {
    if (this.open.has(message.id) || this.closed.has(message.id))
      throw new Error(`the id ${message.id} was given twice`)
    this.open.set(message.id, message)
    this.sent.total += 1
  }

  /** Every message of a page was sent to its reader, is byte for byte what was sent, and stands in its sender's order. */
  check(listed: Listed, reader: Person): void {
    const last = new Map<string, number>()
    for (const { id, sender_id, ciphertext } of listed) {
      const message = this.open.get(id)
      if (!message)
        throw new Error(`${id} is listed, and was ${this.closed.has(id) ? 'confirmed' : 'never sent'}`)
      if (message.recipient !== reader || message.sender.id !== sender_id)
        throw new Error(`${id} is not from its sender, or not for its reader`)
      if (message.ciphertext !== ciphertext) throw new Error(`${id} came out changed`)
      const line = `${message.phase} ${message.worker}`
      if ((last.get(line) ?? -1) > message.sequence)
        throw new Error(`${id} is listed out of its sender's order`)
      last.set(line, message.sequence)
    }
  }

  confirm(ids: readonly string[]): void {
    for (const id of ids) {
      if (!this.open.delete(id)) throw new Error(`${id} was confirmed, and is not waiting`)
      this.closed.add(id)
      this.sent.confirmed += 1
    }
  }

  /** @throws when a message was answered with a 2xx and never listed */
  close(): void {
    const [lost] = this.open.values()
    if (lost) throw new Error(`${this.open.size} messages were lost, ${lost.id} among them`)
    this.closed.clear()
  }
}
