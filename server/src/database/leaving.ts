import { setTimeout as sleep } from 'node:timers/promises'

const GOODBYE_MS = 1000

/** Ends connections to a database that may not be there any more: a half-open link answers no goodbye, for minutes. */
export async function leave(ending: Promise<unknown> | undefined): Promise<void> {
  const waited = new AbortController()
  const patience = sleep(GOODBYE_MS, undefined, { signal: waited.signal }).catch(() => undefined)
  await Promise.race([ending?.catch(() => undefined), patience])
  waited.abort()
}
