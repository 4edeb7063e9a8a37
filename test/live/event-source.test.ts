import { EventSource, type ErrorEvent } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { message } from '@secure-messenger/api'
import { expectDefined, useRelay } from '../harness/relay.js'

const relay = useRelay()
const BACK_OFF_MS = [100, 200, 400, 800, 1600]

/** As README tells clients to do: the header by `fetch`, and opened again after any failure but 401. */
class LiveClient {
  readonly ids: string[] = []
  readonly notices: string[] = []
  refused = false
  private source: EventSource | undefined
  private failures = 0
  private closed = false

  constructor(private readonly token: string) {
    this.open()
  }

  close(): void {
    this.closed = true
    this.source?.close()
  }

  private open(): void {
    if (this.closed) return
    const source = new EventSource(`${relay.base}/messages/live`, {
      fetch: (url, init) =>
        fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${this.token}` } }),
    })
    this.source = source
    source.addEventListener('open', () => (this.failures = 0))
    source.addEventListener('message', ({ data }) =>
      this.ids.push(message.parse(JSON.parse(String(data))).id),
    )
    for (const name of ['drained', 'delivered', 'token_expired'])
      source.addEventListener(name, () => this.notices.push(name))
    source.addEventListener('error', (error: ErrorEvent) => this.fail(source, error))
  }

  private fail(source: EventSource, { code }: ErrorEvent): void {
    source.close()
    if (code === 401) this.refused = true
    else setTimeout(() => this.open(), BACK_OFF_MS[Math.min(this.failures++, BACK_OFF_MS.length - 1)])
  }
}

describe('a client with the package eventsource', () => {
  it('hears what waits and what comes, and after the server’s restart what is unconfirmed again', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const first = await relay.send(from, to, 'waits')
    const client = new LiveClient(to.token)
    await expect.poll(() => client.notices).toEqual(['drained'])
    const second = await relay.send(from, to, 'comes')
    await expect.poll(() => client.ids).toEqual([first, second])
    await relay.confirm(to, first)
    const { port } = new URL(relay.base)
    await relay.stopProcess()
    await relay.startProcess({ PORT: port })
    await expect.poll(() => client.notices, { timeout: 15_000 }).toEqual(['drained', 'drained'])
    expect(client.ids).toEqual([first, second, second])
    const third = await relay.send(from, to, 'and goes on')
    await expect.poll(() => client.ids.at(-1), { timeout: 5000 }).toBe(third)
    client.close()
  })

  it('is told by 401 that its token is none', async () => {
    const client = new LiveClient('none')
    await expect.poll(() => client.refused).toBe(true)
    expect(client.ids).toEqual([])
  })
})
