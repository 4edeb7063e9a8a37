import type { RateLimit } from '@secure-messenger/api'
import type { Config } from '../config.js'
import { openCounters, type Counter } from '../http/limits.js'
import type { Metrics } from '../http/metrics.js'
import { PlaceCounts, type Places } from '../mailbox/open-places.js'
import type { PrimaryLink } from './link.js'

/** What is counted and told for a whole server, be it one process or several. */
export interface ServerWide {
  readonly places: Places
  counterOf(limit: RateLimit): Counter | undefined
  readMetrics(): Promise<string>
  /** Ends timers. */
  close(): void
}

/** @param link - of a worker, to the process that counts for all workers */
export function openServerWide(config: Config, metrics: Metrics, link: PrimaryLink | undefined): ServerWide {
  if (link) {
    metrics.contribute()
    return {
      places: link,
      counterOf: (limit) => link.counter(limit),
      readMetrics: () => link.readMetrics(),
      close: () => undefined,
    }
  }
  const counters = openCounters(config.rates)
  return {
    places: new PlaceCounts(config.caps.open),
    counterOf: (limit) => counters.get(limit),
    readMetrics: () => metrics.read(),
    close() {
      for (const counter of counters.values()) counter.shutdown()
    },
  }
}
