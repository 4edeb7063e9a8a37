import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../../harness/http.js'
import { tokenFor } from '../../harness/tokens.js'
import type { Running } from '../peers/servers.js'
import { Streams } from './listening.js'

const EACH_MS = 200
const PATIENCE_MS = 10_000

/** What the process holds open, by its own metrics. */
interface Held {
  readonly listeners: number
  readonly timers: number
  readonly sockets: number
}

export interface Cycles {
  readonly cycles: number
  readonly before: Held
  readonly after: Held
}

async function readHeld(port: number): Promise<Held> {
  const { text } = await request(`http://127.0.0.1:${port}`, 'GET', '/metrics')
  const read = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)
  return {
    listeners: read(/^live_listeners (\d+)$/m),
    timers: read(/^nodejs_active_resources\{type="Timeout"\} (\d+)$/m),
    sockets: read(/^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)$/m),
  }
}

/** Streams that come and go, a hundred at a time, and what is left of them. */
export async function measureCycles(
  server: Running,
  people: readonly string[],
  cycles: number,
): Promise<Cycles> {
  const tokens = people.slice(0, 100).map((id) => tokenFor(id))
  const before = await readHeld(server.port)
  for (let done = 0; done < cycles; done += tokens.length)
    await (await Streams.open(server.port, tokens.slice(0, cycles - done))).close()
  const deadline = performance.now() + PATIENCE_MS
  let after = await readHeld(server.port)
  while (
    performance.now() < deadline &&
    (after.listeners > before.listeners || after.timers > before.timers)
  ) {
    await sleep(EACH_MS)
    after = await readHeld(server.port)
  }
  return { cycles, before, after }
}
