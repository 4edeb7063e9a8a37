import http from 'node:http'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dataOf, namedFields, outcomeOf, queryPath } from '../harness/http.js'
import { expectDefined, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'

const relay = useRelay()

async function seconds<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  const result = await work()
  return [result, (performance.now() - startedAt) / 1000]
}

async function pair() {
  const [alice, bob] = await relay.users(2)
  return { from: expectDefined(alice), to: expectDefined(bob) }
}

describe('a list that waits', () => {
  it('is answered at once when something is there', async () => {
    const { from, to } = await pair()
    const id = await relay.send(from, to, 'there')
    const [inbox, took] = await seconds(() => relay.inbox(to, '?wait=20'))
    expect(inbox.messages.map((message) => message.id)).toEqual([id])
    expect(took).toBeLessThan(3)
  })

  it('is answered as soon as something comes', async () => {
    const { from, to } = await pair()
    const waiting = seconds(() => relay.inbox(to, '?wait=20'))
    await new Promise((resolve) => setTimeout(resolve, 700))
    const id = await relay.send(from, to, 'comes')
    const [inbox, took] = await waiting
    expect(inbox.messages.map((message) => message.id)).toEqual([id])
    expect(took).toBeGreaterThan(0.6)
    expect(took).toBeLessThan(4)
  })

  it('is empty at the end of its wait', async () => {
    const { to } = await pair()
    const [inbox, took] = await seconds(() => relay.inbox(to, '?wait=1'))
    expect(inbox).toEqual({ messages: [], more: false })
    expect(took).toBeGreaterThanOrEqual(0.99)
    expect(took).toBeLessThan(4)
  })

  it('waits for something beyond its position', async () => {
    const { from, to } = await pair()
    const first = await relay.send(from, to, 'first')
    const waiting = relay.inbox(to, `?wait=20&after=${first}`)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const second = await relay.send(from, to, 'second')
    expect((await waiting).messages.map((message) => message.id)).toEqual([second])
  })

  it('waits over tRPC as over REST', async () => {
    const { from, to } = await pair()
    const waiting = relay.query('messages.list', { wait: 20 }, { token: to.token })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const id = await relay.send(from, to, 'comes')
    expect(dataOf(await waiting)).toMatchObject({ messages: [{ id }], more: false })
  })

  it.skipIf(inProcess)(
    'begins its answer after ten seconds, so that no proxy takes it for dead, and is JSON all the same',
    async () => {
      const { to } = await pair()
      const startedAt = performance.now()
      const [headAfter, text] = await new Promise<[number, string]>((resolve, reject) => {
        const headers = { authorization: `Bearer ${to.token}` }
        const request = http.get(`${relay.base}/messages?wait=12`, { headers, agent: false }, (response) => {
          const after = performance.now() - startedAt
          let body = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (body += chunk))
          response.on('end', () => resolve([after, body]))
        })
        request.on('error', reject)
      })
      expect(headAfter).toBeGreaterThan(9000)
      expect(headAfter).toBeLessThan(11_500)
      expect(performance.now() - startedAt).toBeGreaterThan(11_900)
      expect(JSON.parse(text)).toEqual({ messages: [], more: false })
    },
  )

  it('is not waited for by HEAD, and refused in a batch', async () => {
    const { to } = await pair()
    const [head, took] = await seconds(() => relay.request('HEAD', '/messages?wait=20', { token: to.token }))
    expect([head.status, took < 3]).toEqual([200, true])
    const path = `${queryPath('messages.list', { 0: { wait: 1 } })}&batch=1`
    const refused = await relay.get(path, { token: to.token })
    const [only] = z.array(z.unknown()).parse(refused.json)
    const answer = { ...refused, json: only }
    expect([outcomeOf(answer), namedFields(answer)]).toEqual(['422 validation_failed', ['wait']])
  })

  it('is counted among what is open until its client goes away', async () => {
    const { to } = await pair()
    const count = async () => Number(/^live_listeners (\d+)$/m.exec((await relay.get('/metrics')).text)?.[1])
    const request = http.get(`${relay.base}/messages?wait=20`, {
      headers: { authorization: `Bearer ${to.token}` },
      agent: false,
    })
    request.on('error', () => undefined)
    await expect.poll(count).toBe(1)
    request.destroy()
    await expect.poll(count).toBe(0)
  })
})
