import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DatabaseLink } from '../harness/database-link.js'
import { TestDatabase } from '../harness/database.js'
import { outcomeOf, request } from '../harness/http.js'
import { startServer } from '../harness/server.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

/** From a request's arrival to its answer, and what a busy machine takes. */
const DEADLINE_MS = 12_000 + 2000

const undo: (() => Promise<unknown>)[] = []
const used = new Set<number>()
let link: DatabaseLink
let ask: (method: string, path: string) => Promise<string>

beforeAll(async () => {
  const database = await TestDatabase.create()
  undo.push(() => database.drop())
  link = await DatabaseLink.open(database.url, {
    toDatabase: (_bytes, connection) => void used.add(connection),
  })
  undo.push(() => link.close())
  const server = startServer({ SECRET_KEY, DATABASE_URL: link.url, DATABASE_POOL_SIZE: '2', LIMITS: 'off' })
  undo.push(() => server.stop())
  const base = await server.listening
  const [id = ''] = await database.insertPeople(1)
  ask = async (method, path) => outcomeOf(await request(base, method, path, { token: tokenFor(id) }))
})
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

/** By statements of their own, so that both connections are at work. */
function askAtOnce(): Promise<string[]> {
  const id = randomUUID()
  return Promise.all([
    ask('GET', '/messages'),
    ask('GET', `/public-key/${id}`),
    ask('PUT', `/messages/${id}/delivered`),
  ])
}

test('connections on which nothing comes any more are ended, those who asked are told, and others get new ones', async () => {
  expect(await askAtOnce()).toEqual(['200', '404 not_found', '404 not_found'])
  link.stallOnly(used)
  const startedAt = performance.now()
  expect(await askAtOnce()).toEqual(Array(3).fill('503 unavailable'))
  expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS)
  await expect.poll(() => ask('GET', '/messages'), { timeout: 2 * DEADLINE_MS }).toBe('200')
}, 60_000)
