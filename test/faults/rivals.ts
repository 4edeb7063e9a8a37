import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { tokenFor } from '../harness/tokens.js'
import type { World } from './world.js'

/** So many sends of each round are given to every instance; more than a batch of the server's takes at once. */
const SENDS = 100
const RECIPIENTS = 5

const receipt = z.object({ id: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string() })) })

interface Errand {
  readonly recipient: string
  readonly key: string
}

const idOf = (answer: Answer): string | undefined =>
  answer.status === 201 ? receipt.parse(answer.json).id : undefined

/** Somebody whose devices do the same at once, each through another instance. */
export class Rivals {
  private readonly wrong: string[] = []

  private constructor(
    private readonly world: World,
    private readonly sender: string,
    private readonly recipients: readonly string[],
  ) {}

  static async come(world: World): Promise<Rivals> {
    const [sender = '', ...recipients] = await world.makePeople(1 + RECIPIENTS)
    return new Rivals(world, sender, recipients)
  }

  /**
   * The same sends through all instances, in opposite order; then each again while its recipient confirms it.
   *
   * @returns what was wrong: nothing else is, meanwhile, so every refusal is
   */
  async compete(ms: number): Promise<string[]> {
    const until = Date.now() + ms
    const before = await this.countDeadlocks()
    while (Date.now() < until && this.wrong.length === 0) {
      const errands = Array.from({ length: SENDS }, (_, at) => ({
        recipient: this.recipients[at % RECIPIENTS] ?? '',
        key: randomUUID(),
      }))
      const ids = await this.sendEverywhere(errands)
      await this.repeatWhileConfirmed(errands, ids)
    }
    await this.findLeft()
    if ((await this.countDeadlocks()) > before) this.wrong.push('transactions waited for each other')
    return [...new Set(this.wrong)]
  }

  private send(base: string, { recipient, key }: Errand): Promise<Answer> {
    const json = { recipient_id: recipient, ciphertext: key, client_message_id: key }
    return request(base, 'POST', '/messages', { json, token: tokenFor(this.sender) })
  }

  /** @returns the ids that the first instance gave */
  private async sendEverywhere(errands: readonly Errand[]): Promise<(string | undefined)[]> {
    const opposite = errands.toReversed()
    const answers = await Promise.all(
      this.world.bases.map((base, at) =>
        Promise.all((at % 2 === 0 ? errands : opposite).map((errand) => this.send(base, errand))),
      ),
    )
    const [first = [], ...others] = answers.map((own, at) =>
      (at % 2 === 0 ? own : own.toReversed()).map(idOf),
    )
    this.expect(answers.flat().map(outcomeOf), '201')
    for (const other of others)
      if (other.some((id, at) => id !== first[at])) this.wrong.push('one message was given two ids')
    return first
  }

  private async repeatWhileConfirmed(
    errands: readonly Errand[],
    ids: readonly (string | undefined)[],
  ): Promise<void> {
    const { bases } = this.world
    const baseOf = (at: number): string => bases[at % bases.length] ?? ''
    const [repeats, confirmations] = await Promise.all([
      Promise.all(errands.map((errand, at) => this.send(baseOf(at), errand))),
      Promise.all(
        errands.map(({ recipient }, at) =>
          request(baseOf(at + 1), 'PUT', `/messages/${ids[at]}/delivered`, { token: tokenFor(recipient) }),
        ),
      ),
    ])
    this.expect(repeats.map(outcomeOf), '201')
    this.expect(confirmations.map(outcomeOf), '200')
    if (repeats.map(idOf).some((id, at) => id !== ids[at])) this.wrong.push('a repeat made a second message')
  }

  /** All was confirmed: whatever is still there was made by a repeat. */
  private async findLeft(): Promise<void> {
    for (const recipient of this.recipients) {
      const listed = await request(this.world.bases[0] ?? '', 'GET', '/messages', {
        token: tokenFor(recipient),
      })
      if (page.parse(listed.json).messages.length > 0) this.wrong.push('a confirmed message came back')
    }
  }

  private async countDeadlocks(): Promise<number> {
    const [row] = await this.world.sql<{ deadlocks: string }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    )
    return Number(row?.deadlocks)
  }

  private expect(outcomes: readonly string[], outcome: string): void {
    for (const other of new Set(outcomes)) if (other !== outcome) this.wrong.push(`answered ${other}`)
  }
}
