import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { request, type Answer } from '../harness/http.js'

const PAUSE_MS = 15
const RETRY_MS = 100
/** How many of those that it sent it asks about in one round. */
const QUESTIONS = 3

const token = z.object({ access_token: z.string() })
const receipt = z.object({ id: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string(), ciphertext: z.string() })) })
const status = z.object({ status: z.enum(['pending', 'delivered', 'expired']) })

/** What a client keeps of a message that it sent, until it is delivered. Its text is its client_message_id. */
interface Sent {
  readonly recipientId: string
  /** The message's id, once it was acknowledged. */
  id?: string
  delivered: boolean
}

interface TalkerOptions {
  readonly base: string
  readonly name: string
  /** Offers again what is not delivered when the epoch is another one. */
  readonly heedsEpoch: boolean
}

/** A client as docs/operations.md wants it: it logs in again after every failure, and looks at the epoch. */
export class Talker {
  readonly sent = new Map<string, Sent>()
  /** Of each text that was listed, the ids under which it came. */
  readonly received = new Map<string, Set<string>>()
  readonly epochs: string[] = []
  offeredAgain = 0
  /** Of those the ones that were answered with the first message. */
  offeredThoughKept = 0
  /** Whether it reads what waits for it; it always sends. */
  reads = true
  id = ''
  private bearer: string | undefined
  private over = false

  constructor(private readonly options: TalkerOptions) {}

  async register(): Promise<void> {
    const json = { ...this.credentials, public_key: 'a key' }
    this.id = receipt.parse((await this.ask('POST', '/register', json)).json).id
  }

  /** Sends to the others, and reads, without regard to what becomes of server and database. */
  talk(others: readonly Talker[]): { end(): Promise<void> } {
    const talking = (async () => {
      for (let round = 0; !this.over; round++) {
        const to = others[round % others.length]
        if (to) this.sent.set(randomUUID(), { recipientId: to.id, delivered: false })
        await this.persist(() => this.goRound())
        await sleep(PAUSE_MS)
      }
    })()
    return {
      end: () => {
        this.over = true
        return talking
      },
    }
  }

  /** Reads until nothing waits. */
  async readAll(): Promise<void> {
    while ((await this.read()) > 0);
  }

  private async goRound(): Promise<void> {
    for (const [key, message] of this.sent) if (message.id === undefined) await this.offer(key, message)
    if (this.reads) await this.read()
    await this.learnOfDeliveries()
  }

  /** Does something until it is done. After each failure it logs in again: whatever it was, the epoch is looked at. */
  private async persist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        if (this.bearer === undefined) await this.logIn()
        return await work()
      } catch {
        this.bearer = undefined
        await sleep(RETRY_MS)
      }
    }
  }

  private async logIn(): Promise<void> {
    const { json, headers } = await this.ask('POST', '/login', this.credentials)
    this.bearer = token.parse(json).access_token
    const epoch = String(headers['relay-epoch'])
    const known = this.epochs.at(-1)
    if (known !== undefined && epoch !== known && this.options.heedsEpoch) await this.offerAgain()
    // Only now: a client that fails meanwhile begins anew.
    if (epoch !== known) this.epochs.push(epoch)
  }

  private async offerAgain(): Promise<void> {
    for (const [key, message] of this.sent) {
      const { id } = message
      if (id === undefined || message.delivered) continue
      await this.offer(key, message)
      this.offeredAgain += 1
      if (message.id === id) this.offeredThoughKept += 1
    }
  }

  private async offer(key: string, message: Sent): Promise<void> {
    const json = { recipient_id: message.recipientId, ciphertext: key, client_message_id: key }
    message.id = receipt.parse((await this.ask('POST', '/messages', json)).json).id
  }

  private async read(): Promise<number> {
    const { messages } = page.parse((await this.ask('GET', '/messages')).json)
    for (const { id, ciphertext } of messages)
      this.received.set(ciphertext, (this.received.get(ciphertext) ?? new Set()).add(id))
    if (messages.length > 0)
      await this.ask('POST', '/messages/delivered', { ids: messages.map(({ id }) => id) })
    return messages.length
  }

  private async learnOfDeliveries(): Promise<void> {
    const open = [...this.sent.values()].filter(({ id, delivered }) => id !== undefined && !delivered)
    for (const message of open.slice(-QUESTIONS)) {
      const where = `/messages/${message.id}/status?recipient_id=${message.recipientId}`
      const answer = await this.ask('GET', where, undefined, [404])
      if (answer.status === 200) message.delivered = status.parse(answer.json).status === 'delivered'
    }
  }

  private get credentials() {
    return { username: this.options.name, password: `the password of ${this.options.name}` }
  }

  /** @throws where there is no answer, or none that was hoped for */
  private async ask(method: string, path: string, json?: unknown, also: number[] = []): Promise<Answer> {
    const answer = await request(this.options.base, method, path, { json, token: this.bearer })
    if (answer.status >= 300 && !also.includes(answer.status))
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
}
