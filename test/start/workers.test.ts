import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestDatabase } from '../harness/database.js'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { makeScratch, spawnServer, type ServerProcess } from '../harness/process.js'
import { expectDefined } from '../harness/relay.js'
import { openLive, type Stream } from '../harness/stream.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const WORKERS = 2

/** The processes that a process started and that still run. */
function childrenOf(server: ServerProcess): number[] {
  const { pid } = server.child
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function runs(pid: number): boolean {
  try {
    // One that ended and was not yet waited for is gone.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits until so many workers came up since the start. */
async function untilServed(server: ServerProcess, workers: number): Promise<void> {
  const deadline = Date.now() + 20_000
  while (server.output().split('a worker serves').length <= workers) {
    if (Date.now() > deadline) throw new Error(`not ${workers} workers:\n${server.output()}`)
    await sleep(50)
  }
}

describe('a server of two workers', () => {
  let database: TestDatabase
  let server: ServerProcess
  let base = ''

  beforeAll(async () => {
    database = await TestDatabase.create()
    server = spawnServer({
      SECRET_KEY,
      DATABASE_URL: database.url,
      WEB_CONCURRENCY: String(WORKERS),
      LIMIT_LOGIN: '6/600',
      LIMIT_LOGIN_ACCOUNT: 'off',
      LIMIT_OPEN: '4',
      TRUST_PROXY: '1',
    })
    base = await server.listening
    await untilServed(server, WORKERS)
  })
  afterAll(async () => {
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    await database.drop()
  })

  async function person(): Promise<{ id: string; token: string }> {
    const id = expectDefined((await database.insertPeople(1))[0])
    return { id, token: tokenFor(id) }
  }

  // Every request has a connection of its own, and connections go to the workers in turn.
  function logIn(address: string): Promise<Answer> {
    const form = { username: 'nobody-here', password: 'wrong password' }
    return request(base, 'POST', '/login', { form, headers: { 'x-forwarded-for': address } })
  }

  async function openStreams(token: string, count: number): Promise<Stream[]> {
    const streams: Stream[] = []
    for (let at = 0; at < count; at++) streams.push(await openLive(base, token))
    return streams
  }

  it('says so in its start, once', () => {
    expect(server.output()).toMatch(/^ {2}workers {4}2$/m)
    expect(server.output().split('is listening on')).toHaveLength(2)
  })

  it('has one budget, whichever worker a call comes to', async () => {
    const outcomes: string[] = []
    for (let at = 0; at < 8; at++) outcomes.push(outcomeOf(await logIn('198.51.100.1')))
    expect(outcomes).toEqual([
      ...Array.from({ length: 6 }, () => '401 invalid_credentials'),
      '429 rate_limited',
      '429 rate_limited',
    ])
  })

  it('counts streams together, and those of a worker that was killed no longer', async () => {
    const { token } = await person()
    const streams = await openStreams(token, 5)
    expect(streams.map(({ response }) => response.statusCode)).toEqual([200, 200, 200, 200, 429])
    streams[0]?.close()
    await sleep(200)
    const [next] = await openStreams(token, 1)
    expect(next?.response.statusCode).toBe(200)
    const [victim = 0] = childrenOf(server)
    process.kill(victim, 'SIGKILL')
    const held = [...streams.slice(1, 4), expectDefined(next)]
    await untilServed(server, WORKERS + 1)
    const gone = held.filter(({ ended }) => ended).length
    expect(gone).toBeGreaterThan(0)
    expect(server.output()).toContain('a worker ended unexpectedly; starting another')
    const again = await openStreams(token, gone + 1)
    expect(again.map(({ response }) => response.statusCode)).toEqual([
      ...Array.from({ length: gone }, () => 200),
      429,
    ])
    for (const stream of [...held, ...again]) stream.close()
  })

  it('wakes the streams of the other worker', async () => {
    const [from, to] = [await person(), await person()]
    const streams = await openStreams(to.token, WORKERS)
    await Promise.all(streams.map((stream) => stream.drained()))
    const json = { recipient_id: to.id, ciphertext: 'c' }
    expect((await request(base, 'POST', '/messages', { json, token: from.token })).status).toBe(201)
    await Promise.all(streams.map((stream) => stream.until(() => stream.ids.length === 1, 2000)))
    for (const stream of streams) stream.close()
  })

  it('tells the metrics of both as one', async () => {
    const { token } = await person()
    const count = async (): Promise<number> => {
      const { text } = await request(base, 'GET', '/metrics')
      const line = /^http_request_duration_seconds_count{.*route="\/me".*} (\d+)$/m.exec(text)
      return Number(line?.[1] ?? 0)
    }
    const before = await count()
    for (let at = 0; at < 10; at++) await request(base, 'GET', '/me', { token })
    expect([await count(), await count(), await count()]).toEqual(
      Array.from({ length: 3 }, () => before + 10),
    )
    const { text } = await request(base, 'GET', '/metrics')
    expect(Number(/^purge_last_completed_timestamp_seconds (\S+)$/m.exec(text)?.[1])).toBeLessThan(
      Date.now() / 1000 + 1,
    )
  })
})

describe('WEB_CONCURRENCY', () => {
  it('starts one database for all workers, and ends with all that it started', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ WEB_CONCURRENCY: '3', DATA_DIR: scratch.folder }, { cwd: scratch.folder })
    const base = await server.listening
    // The database is a child, too.
    await expect.poll(() => childrenOf(server).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    const children = childrenOf(server)
    expect((await request(base, 'GET', '/ready')).status).toBe(200)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(children.filter(runs)).toEqual([])
    expect(server.output()).toMatch(/\nStopped\.\n$/)
    scratch.remove()
  })

  it('leaves no worker behind when the first process is killed', async () => {
    const database = await TestDatabase.create()
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: database.url, WEB_CONCURRENCY: '2' })
    await server.listening
    await expect.poll(() => childrenOf(server).length).toBe(2)
    const children = childrenOf(server)
    server.child.kill('SIGKILL')
    await expect.poll(() => children.filter(runs), { timeout: 10_000 }).toEqual([])
    await database.drop()
  })

  it('says once why no worker comes up', async () => {
    const server = spawnServer({
      SECRET_KEY,
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none',
      WEB_CONCURRENCY: '4',
    })
    expect(await server.ended).toBe(1)
    expect(server.output().match(/The server could not start/g)).toHaveLength(1)
    expect(server.output()).toContain('No worker came up; what it said stands above.')
  })

  it.each(['0', '65', 'many'])('is refused as %j', async (workers) => {
    const server = spawnServer({ SECRET_KEY, WEB_CONCURRENCY: workers })
    expect(await server.ended).toBe(1)
    expect(server.output()).toContain('WEB_CONCURRENCY must be')
  })
})
