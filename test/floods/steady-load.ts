import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { percentile, rounded } from '../bench/numbers.js'
import { tokenFor } from '../harness/tokens.js'
import { request, type Answer, type RequestOptions } from '../harness/http.js'

/** Of each client; the machine's cores are the server's, the database's and the load's together. */
const TURN_MS = 100

const inbox = z.object({ messages: z.array(z.object({ id: z.string() })) })

/** Times of one kind of call, milliseconds. */
export interface Times {
  readonly calls: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export type Kind = 'POST /messages' | 'GET /messages' | 'POST /messages/delivered'
export type Measured = Record<Kind | 'all', Times>

interface Client {
  readonly id: string
  readonly token: string
}

function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b)
  const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((part) => rounded(percentile(sorted, part)))
  return { calls: sorted.length, p50Ms: p50Ms ?? 0, p99Ms: p99Ms ?? 0, maxMs: maxMs ?? 0 }
}

/**
 * Well-behaved clients: each sends to itself, lists and confirms, in turns that begin at their times whatever became of
 * the turns before, as other people's would.
 */
export class SteadyLoad {
  /** What was answered otherwise than well: there is to be nothing. */
  readonly refused: string[] = []
  private readonly agent = new http.Agent({ keepAlive: true })
  private times = new Map<Kind, number[]>()
  private over = false

  private readonly clients: readonly Client[]

  constructor(
    private readonly base: string,
    clientIds: readonly string[],
  ) {
    this.clients = clientIds.map((id) => ({ id, token: tokenFor(id) }))
  }

  /** Measures while something else goes on. */
  async during<T>(work: () => Promise<T>): Promise<{ times: Measured; result: T }> {
    this.times = new Map()
    this.over = false
    const clients = this.clients.map((client, at) => this.takeTurns(client, at))
    const result = await work().finally(() => (this.over = true))
    await Promise.all(clients)
    return { times: this.measured(), result }
  }

  close(): void {
    this.agent.destroy()
  }

  private measured(): Measured {
    const of = (kind: Kind): Times => timesOf(this.times.get(kind) ?? [])
    return {
      all: timesOf([...this.times.values()].flat()),
      'POST /messages': of('POST /messages'),
      'GET /messages': of('GET /messages'),
      'POST /messages/delivered': of('POST /messages/delivered'),
    }
  }

  private async takeTurns(client: Client, place: number): Promise<void> {
    const turns: Promise<void>[] = []
    await sleep((TURN_MS / this.clients.length) * place)
    for (let at = performance.now(); !this.over; at += TURN_MS) {
      await sleep(Math.max(0, at - performance.now()))
      turns.push(this.takeTurn(client))
    }
    await Promise.all(turns)
  }

  private async takeTurn({ id, token }: Client): Promise<void> {
    await this.time('POST /messages', { json: { recipient_id: id, ciphertext: 'x'.repeat(500) }, token })
    const listed = await this.time('GET /messages', { token })
    const ids = inbox.safeParse(listed?.json).data?.messages.map((message) => message.id) ?? []
    if (ids.length > 0) await this.time('POST /messages/delivered', { json: { ids }, token })
  }

  private async time(kind: Kind, options: RequestOptions): Promise<Answer | undefined> {
    const [method = '', path = ''] = kind.split(' ')
    const startedAt = performance.now()
    const answer = await request(this.base, method, path, { ...options, agent: this.agent }).catch(
      (error: unknown) => void this.refused.push(`${kind}: ${String(error)}`),
    )
    const times = this.times.get(kind) ?? []
    this.times.set(kind, times)
    times.push(performance.now() - startedAt)
    if (answer && answer.status >= 300) this.refused.push(`${kind}: ${answer.status}`)
    return answer ?? undefined
  }
}

/** The slowest kind's 99th percentile. */
export function worstP99(measured: Measured): number {
  return Math.max(...Object.values(measured).map(({ p99Ms }) => p99Ms))
}

export interface Compared<T> {
  readonly times: { readonly attacked: Measured; readonly beside: Measured }
  readonly result: T
}

/** Measures those whose server is attacked, and at the same time those of an instance that nobody attacks. */
export async function compare<T>(
  attacked: SteadyLoad,
  beside: SteadyLoad,
  work: () => Promise<T>,
): Promise<Compared<T>> {
  const outer = await attacked.during(() => beside.during(work))
  const { times, result } = outer.result
  return { times: { attacked: outer.times, beside: times }, result }
}
