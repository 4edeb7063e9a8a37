import { setTimeout as sleep } from 'node:timers/promises'
import { tokenFor } from '../../harness/tokens.js'
import type { Cluster } from '../cluster.js'
import { Connection } from '../load/connection.js'
import { percentile, rounded } from '../numbers.js'
import type { Running } from '../peers/servers.js'
import { residentMib } from '../system.js'
import { Streams } from './listening.js'
import type { Options } from './options.js'

/** After the last was opened, and before each message but the first: nothing is in flight then. */
const SETTLE_MS = 3000
const PAUSE_MS = 5
const LOST_AFTER_MS = 10_000

export interface Idle {
  readonly connections: number
  readonly ready_mib: number
  readonly resident_mib: number
  readonly peak_mib: number
  readonly messages: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly max_ms: number
}

/** Users whom nobody registered: so many passwords would be hashed for an hour. */
export async function insertPeople(cluster: Cluster, database: string, count: number): Promise<string[]> {
  const text = `insert into users (username, password_hash) select 'idle' || n, 'x' from generate_series(1, ${count}) n returning id`
  return (await cluster.runText(database, text)).trim().split('\n')
}

/** Sends one message after another, each to another stream. @returns milliseconds from the send to its arrival */
async function timeArrivals(
  port: number,
  sender: string,
  recipients: readonly string[],
  waiting: Map<string, (at: number) => void>,
): Promise<number[]> {
  const connection = await Connection.open(port)
  const took: number[] = []
  for (const [at, recipient] of recipients.entries()) {
    const ciphertext = `idle.${at}`.padEnd(1024, '.')
    const arrival = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a message did not arrive')), LOST_AFTER_MS)
      waiting.set(ciphertext, (moment) => {
        clearTimeout(timer)
        resolve(moment)
      })
    })
    const body = JSON.stringify({ recipient_id: recipient, ciphertext })
    const sentAt = performance.now()
    await connection.ask({ method: 'POST', path: '/messages', token: tokenFor(sender), body })
    took.push((await arrival) - sentAt)
    await sleep(PAUSE_MS)
  }
  connection.close()
  return took
}

/** Many streams on which nothing happens: their memory, and how fast a message gets to one of them. */
export async function measureIdle(
  server: Running,
  people: readonly string[],
  { connections, messages }: Options,
): Promise<Idle> {
  const ready = residentMib(server.pid).now
  const waiting = new Map<string, (at: number) => void>()
  const owners = people.slice(0, connections)
  const streams = await Streams.open(
    server.port,
    owners.map((id) => tokenFor(id)),
    (ciphertext, at) => waiting.get(ciphertext)?.(at),
  )
  await sleep(SETTLE_MS)
  const { now, peak } = residentMib(server.pid)
  const step = Math.max(1, Math.floor(owners.length / messages))
  const recipients = owners.filter((_, at) => at % step === 0).slice(0, messages)
  const sender = owners[0] ?? ''
  const sorted = (await timeArrivals(server.port, sender, recipients, waiting)).toSorted((a, b) => a - b)
  await streams.close()
  return {
    connections: owners.length,
    ready_mib: rounded(ready),
    resident_mib: rounded(now),
    peak_mib: rounded(peak),
    messages: sorted.length,
    p50_ms: rounded(percentile(sorted, 0.5)),
    p99_ms: rounded(percentile(sorted, 0.99)),
    max_ms: rounded(sorted.at(-1) ?? 0),
  }
}
