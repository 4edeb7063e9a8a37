import type { LiveEvent, Message, Page } from '@secure-messenger/api'
import { Listener } from '../../server/dist/delivery/listener.js'
import { LiveStream } from '../../server/dist/mailbox/live.js'

export const START = 1_800_000_000_000
export const MINUTE_MS = 60_000

export function message(milliseconds: number): Message {
  const hex = (START + milliseconds).toString(16).padStart(12, '0')
  return {
    id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`,
    sender_id: 'alice',
    ciphertext: 'c',
    created_at: 'then',
    expires_at: 'later',
  }
}

/** Where ids that lie 15 seconds before a message begin. */
export function floorOf(milliseconds: number): string {
  return message(milliseconds - 15_000).id.replace(/1$/, '0')
}

interface Reading {
  readonly after: string | undefined
  readonly except: readonly string[]
  readonly at: number
}

/** A stream over pages that a test gives, whose events it keeps. */
export class Streamed {
  readonly listener = new Listener()
  readonly events: LiveEvent[] = []
  readonly readings: Reading[] = []
  ending: unknown

  /** @param pages - what the next readings find; an empty mailbox once there are no more */
  constructor(
    public pages: (Page | Error)[] = [],
    private readonly readMs = 0,
    lifeMs = 30 * MINUTE_MS,
  ) {
    const stream = new LiveStream({
      read: (after, except) => this.read(after, [...except]),
      listener: this.listener,
      expiresAt: Date.now() + lifeMs,
      clock: () => Date.now(),
    })
    const follow = async (): Promise<void> => {
      for await (const event of stream.events()) this.events.push(event)
      this.ending = 'done'
    }
    follow().catch((error: unknown) => (this.ending = error))
  }

  get told(): string[] {
    return this.events.map((event) => (event.event === 'message' ? event.message.id : event.event))
  }

  private async read(after: string | undefined, except: readonly string[]): Promise<Page> {
    this.readings.push({ after, except, at: Date.now() - START })
    if (this.readMs > 0) await new Promise((resolve) => setTimeout(resolve, this.readMs))
    const found = this.pages.shift() ?? { messages: [], more: false }
    if (found instanceof Error) throw found
    return found
  }
}

export function page(...times: number[]): Page {
  return { messages: times.map(message), more: false }
}
