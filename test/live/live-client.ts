import type { Message, Notice } from '@secure-messenger/api'

/** What a stream says, in the form that the tRPC subscription gives it. */
export type Heard = { readonly id: string; readonly data: Message } | Notice

/** What a stream tells the client that opened it. */
export interface Listener {
  opened(): void
  hear(heard: Heard): void
  /** It is over; with the status of the refusal where it was refused. */
  fail(status: number | undefined): void
}

/** Opens a stream. @returns closes it */
export type OpenStream = (listener: Listener) => () => void

const BACK_OFF_MS = [100, 200, 400, 800, 1600]

/** As docs/api.md tells clients to do: opens its stream again after any failure but 401. For Node and for browsers. */
export class LiveClient {
  readonly heard: Heard[] = []
  refused = false
  private failures = 0
  private closed = false
  private closeStream = (): void => undefined

  constructor(private readonly openStream: OpenStream) {
    this.open()
  }

  get ids(): string[] {
    return this.heard.flatMap((heard) => ('data' in heard ? [heard.id] : []))
  }

  get notices(): string[] {
    return this.heard.flatMap((heard) => ('event' in heard ? [heard.event] : []))
  }

  close(): void {
    this.closed = true
    this.closeStream()
  }

  private open(): void {
    if (this.closed) return
    this.closeStream = this.openStream({
      opened: () => (this.failures = 0),
      hear: (heard) => this.heard.push(heard),
      fail: (status) => this.fail(status),
    })
  }

  private fail(status: number | undefined): void {
    this.closeStream()
    if (status === 401) this.refused = true
    else setTimeout(() => this.open(), BACK_OFF_MS[Math.min(this.failures++, BACK_OFF_MS.length - 1)])
  }
}
