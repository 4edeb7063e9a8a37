import { METHODS } from 'node:http'
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { FreeSpace } from '../database/free-space.js'
import type { PurgeObserver } from '../retention/purge.js'

const KNOWN_METHODS = new Set(METHODS)

/** What Prometheus reads: route templates and numbers, never an id or a name. */
export class Metrics {
  private readonly registry = new Registry()
  private readonly requests: Histogram<'method' | 'route' | 'status'>
  private readonly purgedRows: Counter
  private readonly lastPurge: Gauge

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    this.requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    })
    this.purgedRows = new Counter({
      name: 'purge_removed_records_total',
      help: 'Records of messages that the purge removed.',
      registers,
    })
    this.lastPurge = new Gauge({
      name: 'purge_last_completed_timestamp_seconds',
      help: 'When this instance last finished a purge, by its own clock.',
      aggregator: 'max',
      registers,
    })
  }

  get contentType(): string {
    return this.registry.contentType
  }

  read(): Promise<string> {
    return this.registry.metrics()
  }

  /** Has this worker's part told to the primary process, which adds up all workers'. */
  contribute(): void {
    AggregatorRegistry.setRegistries([this.registry])
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method: KNOWN_METHODS.has(method) ? method : 'OTHER', route, status }, seconds)
  }

  /** @param count - of the streams and waits that are open */
  watchListeners(count: () => number): void {
    const open = new Gauge({
      name: 'live_listeners',
      help: 'Streams and waits that are open.',
      registers: [],
      collect() {
        this.set(count())
      },
    })
    this.registry.registerMetric(open)
  }

  /** Every worker looks for itself: what counts is the least that any has seen, and whether one refuses. */
  watchSpace(space: Pick<FreeSpace, 'watches' | 'bytes' | 'isShort'>): void {
    if (!space.watches) return
    const free = new Gauge({
      name: 'disk_free_bytes',
      help: 'Free space on the fullest disk that the database is known to write to.',
      aggregator: 'min',
      registers: [],
      collect() {
        this.set(space.bytes)
      },
    })
    const refusing = new Gauge({
      name: 'disk_short',
      help: '1 while registrations and sends are refused because less than MIN_FREE_DISK is free, else 0.',
      aggregator: 'max',
      registers: [],
      collect() {
        this.set(space.isShort ? 1 : 0)
      },
    })
    for (const gauge of [free, refusing]) this.registry.registerMetric(gauge)
  }

  readonly purge: PurgeObserver = {
    purged: (rows) => this.purgedRows.inc(rows),
    finished: () => this.lastPurge.setToCurrentTime(),
  }
}
