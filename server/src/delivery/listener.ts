import type { Delivered, Message } from '@secure-messenger/api'

/** Beyond this a slow reader learns of its confirmed messages from `messages.status`. */
const MAX_DELIVERED = 1000
/** Beyond this a slow reader's messages wait in the database alone, and are read from there. */
const MAX_HANDED_CHARACTERS = 65_536

/** What happened to a listener since it was last asked. */
export interface Happened {
  /** Something may be new in its mailbox. */
  readonly woken: boolean
  /** Something old may be new in it: a wake-up was missed. */
  readonly missed: boolean
  /** New messages, handed over instead of a wake-up. */
  readonly handed: readonly Message[]
  /** Messages that its user sent, and that were confirmed. */
  readonly delivered: readonly Delivered[]
}

/** Somebody who waits for news of one user: a stream, or a read that waits. Nothing told to it is lost between two waits. */
export class Listener {
  /** No news will come any more: its client is gone, or this server stops. */
  over = false
  private woken = false
  private missed = false
  private handed: Message[] = []
  private handedCharacters = 0
  private delivered: Delivered[] = []
  private resume: (() => void) | undefined

  wake(): void {
    this.woken = true
    this.resume?.()
  }

  /** As `wake`, where earlier wake-ups may not have come. */
  wakeLate(): void {
    this.missed = true
    this.wake()
  }

  /** As `wake`, and spares it the reading. */
  hand(message: Message): void {
    this.handedCharacters += message.ciphertext.length
    if (this.handedCharacters > MAX_HANDED_CHARACTERS) this.woken = true
    if (this.woken) this.handed = []
    else this.handed.push(message)
    this.resume?.()
  }

  tell(delivered: Delivered): void {
    if (this.delivered.length < MAX_DELIVERED) this.delivered.push(delivered)
    this.resume?.()
  }

  end(): void {
    this.over = true
    this.resume?.()
  }

  /** Waits for news, for `ms` at most. */
  async next(ms: number): Promise<Happened> {
    if (!this.over && !this.woken && this.handed.length + this.delivered.length === 0) await this.pause(ms)
    const { woken, missed, handed, delivered } = this
    this.woken = false
    this.missed = false
    this.handed = []
    this.handedCharacters = 0
    this.delivered = []
    return { woken, missed, handed, delivered }
  }

  /** Lets time pass, news or not, unless it is over. */
  async rest(ms: number): Promise<void> {
    const until = performance.now() + ms
    while (!this.over && performance.now() < until) await this.pause(until - performance.now())
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.resume = undefined
        resolve()
      }
      const timer = setTimeout(settle, ms)
      this.resume = settle
    })
  }
}
