import { Socket } from 'node:net'
import { ApiError, type RateLimit } from '@secure-messenger/api'
import { AggregatorRegistry } from 'prom-client'
import { z } from 'zod'
import type { Source } from '../database/source.js'
import type { Counter } from '../http/limits.js'
import type { Places } from '../mailbox/open-places.js'
import { answered, countAnswer, sourceAnswer, type Question, type Started } from './messages.js'

const PATIENCE_MS = 2000
/** Every worker adds its part to the metrics. */
const METRICS_PATIENCE_MS = 8000
const RETRY_AFTER_SECONDS = 2

interface Asking {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: ApiError) => void
}

function unanswered(): ApiError {
  return new ApiError('unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS })
}

/** A worker's way to the primary process, where all workers of this server count together. */
export class PrimaryLink implements Places {
  private readonly asking = new Map<number, Asking>()
  private last = 0

  constructor() {
    process.on('message', (message) => this.hear(message))
    // It answers for the metrics from its making on. Messages wait for the first who listens, and for nobody else.
    void new AggregatorRegistry()
  }

  async findSource(): Promise<Source> {
    const source = sourceAnswer.parse(await this.ask({ about: 'source' }))
    // It is the primary's to close.
    return { ...source, close: async () => undefined }
  }

  /** From now on connections come. */
  async tellStarted({ database, secret }: Started): Promise<void> {
    await this.ask({ about: 'started', started: { database, secret } })
  }

  /** Connections come no more, but for those that are on their way. */
  async tellLeaving(): Promise<void> {
    await this.ask({ about: 'leaving' })
  }

  /** @param take - of each connection that is handed to this worker */
  onConnection(take: (socket: Socket) => void): void {
    process.on('message', (_message, handle) => {
      if (handle instanceof Socket) take(handle)
    })
  }

  counter(limit: RateLimit): Counter {
    const read = async (about: 'count' | 'counted', subject: string) => {
      const counted = countAnswer.parse(await this.ask({ about, limit, subject }))
      return counted ? { totalHits: counted.totalHits, resetTime: new Date(counted.resetMs) } : undefined
    }
    return {
      async increment(subject) {
        const counted = await read('count', subject)
        if (!counted) throw unanswered()
        return counted
      },
      get: (subject) => read('counted', subject),
    }
  }

  async enter(userId: string): Promise<boolean> {
    return z.boolean().parse(await this.ask({ about: 'enter', userId }))
  }

  leave(userId: string): void {
    // Where the primary is gone, this worker is about to be.
    this.ask({ about: 'leave', userId }).catch(() => undefined)
  }

  /** The metrics of all workers together, as text. */
  async readMetrics(): Promise<string> {
    return z.string().parse(await this.ask({ about: 'metrics' }, METRICS_PATIENCE_MS))
  }

  private ask(question: Question, patienceMs = PATIENCE_MS): Promise<unknown> {
    const number = (this.last += 1)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.asking.delete(number)
      }
      const fail = (): void => {
        settle()
        reject(unanswered())
      }
      const timer = setTimeout(fail, patienceMs)
      this.asking.set(number, {
        resolve: (answer) => {
          settle()
          resolve(answer)
        },
        reject: fail,
      })
      process.send?.({ number, question }, undefined, undefined, (error) => {
        if (error) fail()
      })
    })
  }

  /** prom-client's messages come the same way. */
  private hear(message: unknown): void {
    const { data } = answered.safeParse(message)
    const asking = data && this.asking.get(data.number)
    if (data?.failed) asking?.reject(unanswered())
    else asking?.resolve(data?.answer)
  }
}
