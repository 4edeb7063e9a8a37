import type { DeliveredTo, News } from './hub.js'
import { encodeNews, encodePresence } from './payload.js'

/** News is gathered for this long: at any load a few dozen notifications a second. This instance's own listeners don't wait. */
const GATHER_MS = 20
/** More than this is "look again", to everybody. */
const MAX_GATHERED = 10_000
const RETRY_MS = 500

/** Brings texts to the other instances. Throws while it cannot. */
export type Carry = (texts: readonly string[]) => Promise<void>

/**
 * News for the other instances. idle → gathering (20 ms) → carrying → idle, or gathering again where more came or
 * the carrying failed: then everybody is told to look again, once there is a way.
 */
export class Outbox {
  private wake = new Set<string>()
  private delivered: DeliveredTo[] = []
  /** Something was left out, or comes late. */
  private lacking = false
  private present = false
  private timer: NodeJS.Timeout | undefined
  private carrying: Promise<void> | undefined

  /** @param from - names this instance among the others */
  constructor(
    private readonly from: string,
    private readonly carry: Carry,
  ) {}

  add({ wake = [], delivered = [] }: Partial<News>): void {
    for (const id of wake) this.wake.add(id)
    this.delivered.push(...delivered)
    if (this.delivered.length > MAX_GATHERED) this.delivered = []
    if (this.wake.size > MAX_GATHERED) this.lacking = true
    if (this.lacking) this.wake.clear()
    this.gather(GATHER_MS)
  }

  /** Says that this instance is there, and where it kept something to itself, that everybody is to look again. */
  greet({ lacking }: { readonly lacking: boolean }): void {
    this.present = true
    if (lacking) this.lacking = true
    this.gather(0)
  }

  /** Carries what is left, once. */
  async close(): Promise<void> {
    await this.carrying
    clearTimeout(this.timer)
    if (!this.isEmpty()) await this.carry(this.take()).catch(() => undefined)
  }

  private isEmpty(): boolean {
    return this.wake.size === 0 && this.delivered.length === 0 && !this.lacking && !this.present
  }

  private take(): string[] {
    const texts = encodeNews(this.from, { wake: [...this.wake], delivered: this.delivered })
    if (this.lacking || this.present) texts.push(encodePresence(this.from, this.lacking))
    this.wake = new Set()
    this.delivered = []
    this.lacking = false
    this.present = false
    return texts
  }

  private gather(ms: number): void {
    if (this.timer || this.carrying || this.isEmpty()) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.carrying = this.flush()
    }, ms)
  }

  private async flush(): Promise<void> {
    let pauseMs = GATHER_MS
    try {
      await this.carry(this.take())
    } catch {
      this.lacking = true
      pauseMs = RETRY_MS
    }
    this.carrying = undefined
    this.gather(pauseMs)
  }
}
