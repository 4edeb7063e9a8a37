import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { request, type Answer } from '../harness/http.js'
import { openLive, type Stream } from '../harness/stream.js'

const PEOPLE_AT_ONCE = 8
const REOPEN_MS = 100
const PATIENCE_MS = 30_000

export interface Person {
  readonly id: string
  readonly token: string
}

const idOf = z.object({ id: z.string() })

/** What went wrong with a request, as its client saw it at its first attempt. */
export interface Failure {
  readonly what: string
  readonly how: string
}

/**
 * People who send to each other in a circle, each with a stream of his own that is opened again whenever it ends. Every
 * message is confirmed when it is first heard, and nothing is tried twice.
 */
export class Conversation {
  readonly failures: Failure[] = []
  /** Ids that a 2xx acknowledged. */
  readonly acknowledged = new Set<string>()
  private readonly confirmed = new Set<string>()
  private readonly pending = new Set<Promise<void>>()
  private readonly streams = new Map<Person, Stream>()
  private over = false

  constructor(
    private readonly base: string,
    private readonly people: readonly Person[],
  ) {}

  /** Opens everybody's stream. @returns ends them */
  async listen(): Promise<() => Promise<void>> {
    const keeping = this.people.map((person) => this.keepListening(person))
    while (this.streams.size < this.people.length) await sleep(REOPEN_MS)
    return async () => {
      this.over = true
      for (const stream of this.streams.values()) stream.close()
      await Promise.all(keeping)
    }
  }

  /** Sends so many messages in all, while something may happen. */
  async talk(messages: number): Promise<void> {
    let sent = 0
    const sendSome = async (): Promise<void> => {
      while (sent < messages) {
        const at = sent++
        const from = this.people[at % this.people.length]
        const to = this.people[(at + 1) % this.people.length]
        if (from && to) await this.send(from, to, `message ${at}`)
      }
    }
    await Promise.all(Array.from({ length: PEOPLE_AT_ONCE }, sendSome))
  }

  /** Waits until all that was acknowledged is confirmed. */
  async settle(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS
    while (this.missing().length > 0 && Date.now() < deadline) await sleep(REOPEN_MS)
    await Promise.all(this.pending)
  }

  /** Each kind of failure, and how often it was seen. */
  get failed(): string[] {
    const counts = new Map<string, number>()
    for (const { what, how } of this.failures) {
      const kind = `${what}: ${how}`
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    return [...counts].map(([kind, count]) => `${count} × ${kind}`)
  }

  missing(): string[] {
    return [...this.acknowledged].filter((id) => !this.confirmed.has(id))
  }

  private async ask(what: string, work: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await work()
      if (answer.status < 300) return answer
      this.failures.push({ what, how: `${answer.status} ${answer.text.slice(0, 200)}` })
    } catch (error) {
      this.failures.push({ what, how: error instanceof Error ? error.message : 'unknown' })
    }
    return undefined
  }

  private async send(from: Person, to: Person, ciphertext: string): Promise<void> {
    const json = { recipient_id: to.id, ciphertext }
    const answer = await this.ask('send', () =>
      request(this.base, 'POST', '/messages', { json, token: from.token }),
    )
    if (answer) this.acknowledged.add(idOf.parse(answer.json).id)
  }

  private confirm(person: Person, id: string): void {
    if (this.confirmed.has(id)) return
    this.confirmed.add(id)
    this.pending.add(this.askToConfirm(person, id))
  }

  private async askToConfirm(person: Person, id: string): Promise<void> {
    const answer = await this.ask('confirm', () =>
      request(this.base, 'PUT', `/messages/${id}/delivered`, { token: person.token }),
    )
    // What was not confirmed is heard again on the next stream.
    if (!answer) this.confirmed.delete(id)
  }

  private async keepListening(person: Person): Promise<void> {
    while (!this.over) {
      const stream = await openLive(this.base, person.token).catch((error: unknown) => {
        this.failures.push({ what: 'stream', how: error instanceof Error ? error.message : 'unknown' })
      })
      if (stream && stream.response.statusCode !== 200)
        this.failures.push({ what: 'stream', how: String(stream.response.statusCode) })
      if (stream) await this.hear(person, stream)
      await sleep(REOPEN_MS)
    }
  }

  private async hear(person: Person, stream: Stream): Promise<void> {
    this.streams.set(person, stream)
    for (let heard = 0; !stream.ended;) {
      await stream.until(() => stream.ended || stream.ids.length > heard, 600_000)
      const ids = stream.ids.slice(heard)
      heard += ids.length
      for (const id of ids) if (id !== undefined) this.confirm(person, id)
    }
  }
}
