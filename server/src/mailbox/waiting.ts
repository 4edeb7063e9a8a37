import type { Page } from '@secure-messenger/api'
import type { Clock } from '../clock.js'
import type { Listener } from '../delivery/listener.js'

/** Wake-ups for what lies before the asked position come as fast as somebody sends. */
const MIN_GAP_MS = 50

interface WaitOptions {
  readonly read: () => Promise<Page>
  /** Attached before the first read, so that nothing falls between. */
  readonly listener: Listener
  readonly waitSeconds: number
  readonly clock: Clock
}

/** A page as soon as something waits, or an empty one at the end of the wait. */
export async function waitForPage({ read, listener, waitSeconds, clock }: WaitOptions): Promise<Page> {
  const until = clock() + waitSeconds * 1000
  for (;;) {
    const startedAt = clock()
    const page = await read()
    if (page.messages.length > 0 || listener.over || clock() >= until) return page
    await listener.rest(Math.min(MIN_GAP_MS, until - clock()) - (clock() - startedAt))
    await listener.next(until - clock())
  }
}
