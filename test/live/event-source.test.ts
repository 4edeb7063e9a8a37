import { describe, expect, it } from 'vitest'
import { expectDefined, useRelay } from '../harness/relay.js'
import { doors } from './doors.js'
import { LiveClient } from './live-client.js'

const relay = useRelay()

function listen(token: string): LiveClient {
  return new LiveClient(doors.REST(relay.base, token))
}

describe('a client with the package eventsource', () => {
  it('hears what waits and what comes, and after the server’s restart what is unconfirmed again', async () => {
    const [alice, bob] = await relay.users(2)
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const first = await relay.send(from, to, 'waits')
    const client = listen(to.token)
    await expect.poll(() => client.notices).toEqual(['drained'])
    const second = await relay.send(from, to, 'comes')
    await expect.poll(() => client.ids).toEqual([first, second])
    await relay.confirm(to, first)
    const { port } = new URL(relay.base)
    await relay.stopServer()
    await relay.startServer({ PORT: port })
    await expect.poll(() => client.notices, { timeout: 15_000 }).toEqual(['drained', 'drained'])
    expect(client.ids).toEqual([first, second, second])
    const third = await relay.send(from, to, 'and goes on')
    await expect.poll(() => client.ids.at(-1), { timeout: 5000 }).toBe(third)
    client.close()
  })

  it('is told by 401 that its token is none', async () => {
    const client = listen('none')
    await expect.poll(() => client.refused).toBe(true)
    expect(client.ids).toEqual([])
  })
})
