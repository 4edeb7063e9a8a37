import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { request, type Answer, type RequestOptions } from '../harness/http.js'
import { tokenFor } from '../harness/tokens.js'
import type { History, Outcome } from './history.js'
import type { Random } from './random.js'

/** The server's own last word comes after 12 s, for what waits in a batch. */
const DEADLINE_MS = 20_000
const RETRY_MS = 150
const MAX_ATTEMPTS = 40
const PAUSE_MS = 20
const SETTLE_MS = 60_000

const receipt = z.object({ id: z.string() })
const page = z.object({
  messages: z.array(z.object({ id: z.string(), ciphertext: z.string() })),
  more: z.boolean(),
})
const confirmations = z.object({ delivered: z.array(z.string()) })

/** People who send to each other, read and confirm without a pause, through any of the instances. */
export class People {
  requests = 0
  private over = false

  constructor(
    private readonly ids: readonly string[],
    private readonly bases: () => readonly string[],
    private readonly history: History,
    private readonly random: Random,
    /** From one of a person's sends to the next, at most, unless it takes longer; between readings twice that. */
    private readonly pauseMs = PAUSE_MS,
  ) {}

  /** Everybody sends and reads until `stop`. */
  start(): { stop: () => Promise<void> } {
    const work = this.ids.flatMap((id) => [this.keepSending(id), this.keepReading(id)])
    return {
      stop: async () => {
        this.over = true
        await Promise.all(work)
      },
    }
  }

  /** Reads every mailbox to its end. @throws where that cannot be done in time */
  async readAll(): Promise<void> {
    const deadline = Date.now() + SETTLE_MS
    for (const id of this.ids) {
      while (await this.readAndConfirm(id, 1))
        if (Date.now() > deadline) throw new Error('the mailboxes could not be read to their end')
    }
  }

  /** An answer, or undefined where there was none; one that does not come in time is a fault of its own. */
  private async ask(method: string, path: string, options: RequestOptions): Promise<Answer | undefined> {
    this.requests += 1
    const startedAt = Date.now()
    const answer = await request(this.random.pick(this.bases()), method, path, options).catch(() => undefined)
    const tookMs = Date.now() - startedAt
    if (tookMs > DEADLINE_MS) this.history.hung.push(`${method} took ${tookMs} ms`)
    return answer
  }

  private async keepSending(sender: string): Promise<void> {
    while (!this.over) {
      const begunAt = performance.now()
      await this.send(sender, this.random.pick(this.ids.filter((id) => id !== sender)))
      await this.pause(begunAt, this.pauseMs)
    }
  }

  /** Counted from the beginning of what was done: what people do does not hang on how fast the machine is. */
  private pause(begunAt: number, maxMs: number): Promise<void> {
    return sleep(Math.max(0, this.random.below(maxMs) - (performance.now() - begunAt)))
  }

  /** Sends one message, and again under its own id until somebody says what became of it. */
  private async send(sender: string, recipient: string): Promise<void> {
    const key = randomUUID()
    this.history.begin(sender, recipient, key)
    const json = { recipient_id: recipient, ciphertext: key, client_message_id: key }
    let outcome: Outcome = 'unknown'
    for (let attempt = 0; attempt < MAX_ATTEMPTS && outcome === 'unknown'; attempt++) {
      if (attempt > 0) await sleep(RETRY_MS)
      const answer = await this.ask('POST', '/messages', { json, token: tokenFor(sender) })
      if (answer?.status === 201) {
        this.history.end(key, 'acknowledged', receipt.parse(answer.json).id)
        return
      }
      if (answer && answer.status < 500) outcome = 'refused'
    }
    this.history.end(key, outcome)
  }

  private async keepReading(recipient: string): Promise<void> {
    while (!this.over) {
      const begunAt = performance.now()
      // Some of what is read stays: it must be there again.
      await this.readAndConfirm(recipient, 0.7)
      await this.pause(begunAt, 2 * this.pauseMs)
    }
  }

  /** @returns whether something may be left */
  private async readAndConfirm(recipient: string, share: number): Promise<boolean> {
    const token = tokenFor(recipient)
    const before = this.history.confirmations
    const listed = await this.ask('GET', '/messages?limit=50', { token })
    if (listed?.status !== 200) {
      await sleep(RETRY_MS)
      return true
    }
    const { messages, more } = page.parse(listed.json)
    this.history.read(
      messages.map(({ id, ciphertext }) => ({ id, text: ciphertext })),
      before,
    )
    const ids = messages.map(({ id }) => id).filter(() => this.random.chance(share))
    if (ids.length === 0) return more
    const answer = await this.ask('POST', '/messages/delivered', { json: { ids }, token })
    if (answer?.status !== 200) return true
    for (const id of confirmations.parse(answer.json).delivered) this.history.confirm(id)
    return more || share < 1
  }
}
