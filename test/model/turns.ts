import { setTimeout as sleep } from 'node:timers/promises'
import type fc from 'fast-check'
import type { Passing } from '../harness/database-link.js'

/** Longer than a server takes from an answer of the database to its next statement, or from a call to its first. */
const QUIET_MS = 10
/** How statements with values begin. What a new connection says first is none of them, and passes. */
const PARSE = 'P'.charCodeAt(0)
const BIND = 'B'.charCodeAt(0)

interface Waiting {
  readonly name: string
  readonly goOn: () => void
  /** Turns of others that it sits out before it is drawn from at all. */
  patience: number
}

/**
 * Statements and answers on the way between servers and database wait, and a scheduler draws which goes on. What it
 * draws from hangs on the run alone, as far as a test of real servers can have it, so that a seed repeats its order.
 */
export class Turns {
  private scheduler: fc.Scheduler | undefined
  private patience: readonly number[] = []
  /** Connections, in the order in which this run came upon them: which of its own a server takes is chance. */
  private connections = new Map<string, number>()
  private waiting: Waiting[] = []
  private gathering = false
  private movedAt = 0

  /**
   * Everything takes turns until `work` is done and nothing waits any more.
   *
   * @param patience - how many turns of others each statement and answer sits out first, by its server's number: calls of
   * a server that is slow are overtaken by whole calls of the other
   */
  async during(
    scheduler: fc.Scheduler,
    patience: readonly number[],
    work: () => Promise<void>,
  ): Promise<void> {
    this.connections = new Map()
    this.patience = patience
    this.scheduler = scheduler
    try {
      await work()
    } finally {
      this.scheduler = undefined
      for (const { goOn } of this.waiting.splice(0)) goOn()
      await scheduler.waitIdle()
    }
  }

  /** The way of the server of that number. */
  passing(server: number): Passing {
    const asking = new Set<number>()
    return {
      turn: (bytes, connection, to) => {
        const isStatement = to === 'database' && (bytes[0] === PARSE || bytes[0] === BIND)
        if (isStatement) asking.add(connection)
        const waits = isStatement || (to === 'server' && asking.delete(connection))
        return waits ? this.wait(server, connection, to) : undefined
      },
    }
  }

  /** Lets one go on, and waits until whatever that leads to waits for its turn, too: else there were none to draw from. */
  readonly act = async (goOn: () => Promise<void>): Promise<void> => {
    this.gathering = true
    await goOn()
    this.movedAt = performance.now()
    while (performance.now() - this.movedAt < QUIET_MS) await sleep(1)
    this.gathering = false
    this.admit()
  }

  /** Those whose patience is over may be drawn; all may, where nothing else can be. */
  private admit(): void {
    const { scheduler } = this
    if (!scheduler) return
    // Of what came at the same time, which came first is chance.
    this.waiting.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const waiting of this.waiting) waiting.patience -= 1
    const ready = this.waiting.filter(({ patience }) => patience < 0)
    const going = ready.length > 0 || scheduler.count() > 0 ? ready : this.waiting
    this.waiting = this.waiting.filter((waiting) => !going.includes(waiting))
    for (const { name, goOn } of going) void scheduler.schedule(Promise.resolve(), name).then(goOn)
  }

  private wait(server: number, connection: number, to: string): Promise<void> | undefined {
    if (!this.scheduler) return undefined
    this.movedAt = performance.now()
    const key = `${server} ${connection}`
    const place = this.connections.get(key) ?? this.connections.size
    this.connections.set(key, place)
    return new Promise((goOn) => {
      const waiting = {
        name: `server ${server}, connection ${place}, to ${to}`,
        goOn,
        patience: this.patience[server] ?? 0,
      }
      this.waiting.push(waiting)
      if (!this.gathering) this.admit()
    })
  }
}
