import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Random } from '../faults/random.js'
import { request, type Answer, type RequestOptions } from '../harness/http.js'
import { tokenFor } from '../harness/tokens.js'
import { RetentionHistory, type Span } from './retention-history.js'

const SEND_PAUSE_MS = 120
const READ_PAUSE_MS = 80
const CONFIRMED_SHARE = 0.05
const LATER_SHARE = 0.05
/** Longer than a message's life and its record's together. */
const LATER_MS = 4500

const receipt = z.object({ id: z.string(), expires_at: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string() })), more: z.boolean() })

interface Timed extends Span {
  readonly answer: Answer
}

/** People whose messages end soon: they send, read, and confirm at once, late, too late, and again. */
export class HastyPeople {
  readonly history = new RetentionHistory()
  readonly statuses: Record<string, number> = {}
  private readonly tokens: Map<string, string>
  private readonly pending = new Set<Promise<void>>()
  private over = false

  constructor(
    private readonly ids: readonly string[],
    private readonly bases: readonly string[],
    private readonly random: Random,
  ) {
    this.tokens = new Map(ids.map((id) => [id, tokenFor(id)]))
  }

  async talk(forMs: number): Promise<void> {
    const work = this.ids.flatMap((id) => [this.keepSending(id), this.keepReading(id)])
    await sleep(forMs)
    this.over = true
    await Promise.all(work)
    await Promise.all(this.pending)
  }

  private async ask(id: string, method: string, path: string, options: RequestOptions = {}): Promise<Timed> {
    const from = Date.now()
    const token = this.tokens.get(id)
    const answer = await request(this.random.pick(this.bases), method, path, { ...options, token })
    const kind = `${method} ${answer.status}`
    this.statuses[kind] = (this.statuses[kind] ?? 0) + 1
    return { answer, from, to: Date.now() }
  }

  private async keepSending(id: string): Promise<void> {
    while (!this.over) {
      const recipient = this.random.pick(this.ids)
      const json = { recipient_id: recipient, ciphertext: 'x'.repeat(1 + this.random.below(2000)) }
      const { answer, to } = await this.ask(id, 'POST', '/messages', { json })
      const sent = receipt.safeParse(answer.json).data
      if (sent) {
        const expiresAt = Date.parse(sent.expires_at)
        this.history.send({ id: sent.id, recipient, expiresAt, acknowledgedAt: to })
      }
      await sleep(this.random.below(SEND_PAUSE_MS))
    }
  }

  private async keepReading(id: string): Promise<void> {
    while (!this.over) {
      const { answer, ...span } = await this.ask(id, 'GET', '/messages?limit=100')
      const listed = page.safeParse(answer.json).data
      if (listed && !listed.more) {
        const ids = listed.messages.map((message) => message.id)
        this.history.list({ recipient: id, ids: new Set(ids), span })
        for (const one of ids.filter(() => this.random.chance(CONFIRMED_SHARE))) await this.confirm(id, one)
        for (const one of ids.filter(() => this.random.chance(LATER_SHARE))) this.confirmLater(id, one)
      }
      await sleep(this.random.below(READ_PAUSE_MS))
    }
  }

  private confirmLater(id: string, message: string): void {
    const work = sleep(this.random.below(LATER_MS))
      .then(() => this.confirm(id, message))
      .finally(() => this.pending.delete(work))
    this.pending.add(work)
  }

  private async confirm(id: string, message: string): Promise<void> {
    this.history.beginConfirming(message, Date.now())
    const { answer, ...span } = await this.ask(id, 'PUT', `/messages/${message}/delivered`)
    this.history.endConfirming({ id: message, status: answer.status, span })
  }
}
