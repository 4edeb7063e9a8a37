import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { outcomeOf, request, type Answer } from './http.js'
import { tokenFor } from './tokens.js'

const WRITERS = 4
const PAUSE_MS = 25
const PAGE = 100
/** A UUID's. */
const NAME_CHARACTERS = 36

const identified = z.object({ id: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string(), ciphertext: z.string() })) })

/** One who writes letters to himself, each until it is taken, and one who reads and confirms them meanwhile. */
export class Correspondence {
  /** Of each letter that a 2xx acknowledged, its id. */
  readonly acknowledged = new Map<string, string>()
  /** Of each letter that was listed, its ids. */
  readonly read = new Map<string, Set<string>>()
  /** Letters that were listed although a 2xx had confirmed them. */
  readonly risen: string[] = []
  /** How often requests ended in which way. */
  readonly outcomes = new Map<string, number>()
  slowestMs = 0
  private readonly confirmed = new Set<string>()
  private over = false
  private failed: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly base: string,
    private readonly userId: string,
    /** Characters that each letter is longer than its name, by which it is known. */
    private readonly padding = 0,
  ) {}

  /** Goes on until it is ended; then all that was begun is ended, and all that waits is read. */
  begin(): { end(): Promise<void> } {
    const working = Promise.all([...Array.from({ length: WRITERS }, () => this.write()), this.readOn()])
    this.failed = working
    working.catch(() => undefined)
    return {
      end: async () => {
        this.over = true
        await working
        while ((await this.readPage()) !== 0);
      },
    }
  }

  /** Waits until so many more letters were taken. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count
    const reached = async (): Promise<void> => {
      for (; this.acknowledged.size < goal && !this.over; await sleep(PAUSE_MS));
    }
    // A request that got no answer at all ends it at once.
    await Promise.race([reached(), this.failed])
  }

  /** Letters that were acknowledged and were not read when everything had been. */
  get missing(): string[] {
    return [...this.acknowledged.keys()].filter((letter) => !this.read.has(letter))
  }

  /** Letters that were read under another id than was acknowledged, or under several. */
  get doubled(): string[] {
    return [...this.read].flatMap(([letter, ids]) => {
      const acknowledged = this.acknowledged.get(letter)
      return new Set([...ids, ...(acknowledged === undefined ? [] : [acknowledged])]).size > 1 ? [letter] : []
    })
  }

  private async ask(method: string, path: string, json?: unknown): Promise<Answer> {
    const startedAt = performance.now()
    const answer = await request(this.base, method, path, { json, token: tokenFor(this.userId) })
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt)
    const outcome = outcomeOf(answer)
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    return answer
  }

  private async write(): Promise<void> {
    while (!this.over) {
      const letter = randomUUID()
      const ciphertext = letter + 'x'.repeat(this.padding)
      const json = { recipient_id: this.userId, ciphertext, client_message_id: letter }
      for (let taken = false; !taken; await sleep(PAUSE_MS)) {
        const answer = await this.ask('POST', '/messages', json)
        taken = answer.status === 201
        if (taken) this.acknowledged.set(letter, identified.parse(answer.json).id)
      }
    }
  }

  private async readOn(): Promise<void> {
    for (; !this.over; await sleep(PAUSE_MS)) await this.readPage()
  }

  /** @returns how many letters were listed, undefined where none could be */
  private async readPage(): Promise<number | undefined> {
    const listed = await this.ask('GET', `/messages?limit=${PAGE}`)
    if (listed.status !== 200) return undefined
    const { messages } = page.parse(listed.json)
    for (const { id, ciphertext } of messages) {
      const letter = ciphertext.slice(0, NAME_CHARACTERS)
      this.read.set(letter, (this.read.get(letter) ?? new Set()).add(id))
      if (this.confirmed.has(id)) this.risen.push(id)
    }
    if (messages.length === 0) return 0
    const ids = messages.map(({ id }) => id)
    const answer = await this.ask('POST', '/messages/delivered', { ids })
    if (answer.status === 200) for (const id of ids) this.confirmed.add(id)
    return messages.length
  }
}
