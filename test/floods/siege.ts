import { z } from 'zod'
import { setTimeout as sleep } from 'node:timers/promises'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { tokenFor } from '../harness/tokens.js'

/** Of each hostile account, at most; each is refused long before, where anything refuses it. */
const ATTEMPTS = 25
/** How often one goes on after it was refused. */
const INSISTS = 3
const INSIST_MS = 100
export const LETTERS = 5

const receipt = z.object({ id: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string() })), more: z.boolean() })

export interface Cast {
  readonly owner: string
  readonly honest: string
  readonly hostile: readonly string[]
  readonly neighbour: string
}

/** A mailbox that many fill on purpose, to which one has something to say. */
export class Siege {
  /** Ids of what the mailbox took. */
  readonly taken = new Set<string>()
  readonly refusals: Answer[] = []
  private readonly tokens = new Map<string, string>()

  constructor(
    private readonly base: string,
    private readonly cast: Cast,
    private readonly ciphertext: string,
  ) {}

  async send(from: string, to: string, ciphertext: string): Promise<Answer> {
    const json = { recipient_id: to, ciphertext }
    const token = this.tokens.get(from) ?? tokenFor(from)
    this.tokens.set(from, token)
    const answer = await request(this.base, 'POST', '/messages', { json, token })
    if (answer.status === 201 && to === this.cast.owner) this.taken.add(receipt.parse(answer.json).id)
    return answer
  }

  /** All hostile accounts at once, each until it is refused and insists in vain. @returns how many were refused */
  async fill(): Promise<number> {
    const refused = await Promise.all(this.cast.hostile.map((id) => this.fillAs(id)))
    return refused.filter(Boolean).length
  }

  /** While the hostile ones go on. @returns what the honest sender was told for each of its letters */
  async sayHonestly(): Promise<string[]> {
    const pressing = this.cast.hostile.map((id) => this.send(id, this.cast.owner, this.ciphertext))
    const told: string[] = []
    for (let letter = 0; letter < LETTERS; letter++)
      told.push(outcomeOf(await this.send(this.cast.honest, this.cast.owner, `letter ${letter}`)))
    await Promise.all(pressing)
    return told
  }

  /** Everybody once, to somebody. */
  sendAll(to: string): Promise<string[]> {
    const senders = [this.cast.honest, ...this.cast.hostile]
    return Promise.all(senders.map(async (id) => outcomeOf(await this.send(id, to, 'x'))))
  }

  /** Reads and confirms all. @returns the ids, as they were read */
  async drain(): Promise<string[]> {
    const token = tokenFor(this.cast.owner)
    const drained: string[] = []
    for (;;) {
      const listed = await request(this.base, 'GET', '/messages?limit=100', { token })
      const ids = page.parse(listed.json).messages.map(({ id }) => id)
      if (ids.length === 0) return drained
      await request(this.base, 'POST', '/messages/delivered', { json: { ids }, token })
      drained.push(...ids)
    }
  }

  private async fillAs(id: string): Promise<boolean> {
    let refused = 0
    for (let attempt = 0; attempt < ATTEMPTS && refused < INSISTS; attempt++) {
      const answer = await this.send(id, this.cast.owner, this.ciphertext)
      if (answer.status === 201) continue
      this.refusals.push(answer)
      refused += 1
      await sleep(INSIST_MS)
    }
    return refused > 0
  }
}
