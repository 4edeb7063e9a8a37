import { existsSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { callUntilRefused } from '../harness/callers.js'
import { DatabaseLink } from '../harness/database-link.js'
import { TestDatabase } from '../harness/database.js'
import { outcomeOf, request } from '../harness/http.js'
import { makeScratch, spawnServer } from '../harness/process.js'

describe('SIGTERM', () => {
  test('loses no accepted request: logins that wait for their hash are answered, new connections are not taken', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ DATA_DIR: scratch.folder, LIMITS: 'off' })
    const base = await server.listening
    const person = { username: 'someone', password: 'a good password', public_key: 'k' }
    await request(base, 'POST', '/register', { json: person })
    const login = { username: person.username, password: person.password }
    const accepted = Array.from({ length: 12 }, () => request(base, 'POST', '/login', { json: login }))
    await new Promise((resolve) => setTimeout(resolve, 300))
    server.child.kill('SIGTERM')
    const refused = async (): Promise<boolean> =>
      request(base, 'GET', '/health').then(
        () => false,
        (error: unknown) => String(error).includes('ECONNREFUSED'),
      )
    await expect.poll(refused, { timeout: 5000 }).toBe(true)
    expect((await Promise.all(accepted)).map(outcomeOf)).toEqual(Array(12).fill('200'))
    expect(await server.ended).toBe(0)
    expect(server.output()).toMatch(/Stopping: /)
    expect(server.output()).toMatch(/\nStopped\.\n$/)
    scratch.remove()
  })

  test('ends a server whose link to its database is half open', async () => {
    const database = await TestDatabase.create()
    const link = await DatabaseLink.open(database.url)
    const scratch = makeScratch()
    const server = spawnServer({ DATABASE_URL: link.url, DATA_DIR: scratch.folder })
    await server.listening
    // Its own connection for news is open by then, and idle.
    await sleep(1000)
    link.stall()
    server.child.kill('SIGTERM')
    const ended = await Promise.race([server.ended, sleep(30_000, 'not ended')])
    await link.close()
    await database.drop()
    scratch.remove()
    expect(ended).toBe(0)
  })

  test('during the start ends the server once it has started, with nothing left running', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ DATA_DIR: scratch.folder })
    await expect
      .poll(() => existsSync(path.join(scratch.folder, 'server.lock')), { timeout: 20_000 })
      .toBe(true)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(existsSync(path.join(scratch.folder, 'server.lock'))).toBe(false)
    expect(existsSync(path.join(scratch.folder, 'postgresql/cluster/postmaster.pid'))).toBe(false)
    scratch.remove()
  })

  test('answers what still comes on a kept connection, and says that it is the last', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ DATA_DIR: scratch.folder, LIMITS: 'off' })
    const { port } = new URL(await server.listening)
    const socket = net.connect(Number(port), '127.0.0.1')
    let heard = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => (heard += text))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const ask = 'GET /health HTTP/1.1\r\nhost: relay\r\n\r\n'
    socket.write(ask)
    await expect.poll(() => heard).toContain('HTTP/1.1 200')
    server.child.kill('SIGTERM')
    await expect.poll(() => server.output()).toContain('Stopping')
    heard = ''
    socket.write(ask)
    await closed
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(heard).toMatch(/\r\nconnection: close\r\n/i)
    expect(await server.ended).toBe(0)
    scratch.remove()
  })

  // The system has taken connections that the server has not: all of them were reset once, 30 of 32 in a stop.
  test.each(['1', '2'])('cuts nobody who was just let in, with %s processes', async (workers) => {
    const scratch = makeScratch()
    const server = spawnServer({
      DATA_DIR: scratch.folder,
      LIMITS: 'off',
      LOG_LEVEL: 'warn',
      WEB_CONCURRENCY: workers,
    })
    const { port } = new URL(await server.listening)
    const calling = callUntilRefused(Number(port), 32)
    await new Promise((resolve) => setTimeout(resolve, 500))
    server.child.kill('SIGTERM')
    const { answered, refused, reset } = await calling
    expect(answered).toBeGreaterThan(32)
    expect(refused).toBe(32)
    // One turn of the event loop is left, in which somebody may come.
    expect(reset).toBeLessThanOrEqual(2)
    expect(await server.ended).toBe(0)
    scratch.remove()
  })

  test('does not wait for idle connections, and ends what will not end by DRAIN_SECONDS', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ DATA_DIR: scratch.folder, LIMITS: 'off', DRAIN_SECONDS: '1' })
    const base = await server.listening
    const agent = new http.Agent({ keepAlive: true })
    await new Promise((resolve) =>
      http.get(`${base}/health`, { agent }, (res) => res.resume().on('end', resolve)),
    )
    // A request whose body never ends.
    const endless = http.request(`${base}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 100 },
    })
    const cut = new Promise((resolve) => endless.on('error', resolve))
    endless.write('{')
    await new Promise((resolve) => setTimeout(resolve, 200))
    const startedAt = performance.now()
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(8000)
    await cut
    agent.destroy()
    scratch.remove()
  })
})
