import { beforeAll, expect, test } from 'vitest'
import { readCollections, TELLS_COLLECTIONS } from '../harness/collections.js'
import { outcomeOf } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const REQUESTS = 8000
const CLIENTS = 16
/** Measured 2,300. With requests and connections in sets it was 8,500, with connections alone in a map 5,300. */
const MOST_BYTES_A_REQUEST = 3500

const relay = useRelay(TELLS_COLLECTIONS)
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

test('little of a request and its connection outlives the young generation once both are over', async () => {
  const outcomes = new Set<string>()
  const ask = async (requests: number): Promise<void> => {
    for (let left = requests / CLIENTS; left > 0; left -= 1)
      outcomes.add(outcomeOf(await relay.get('/messages', user)))
  }
  const askTogether = async (requests: number): Promise<void> => {
    await Promise.all(Array.from({ length: CLIENTS }, () => ask(requests)))
  }
  await askTogether(REQUESTS / 2)
  const since = relay.process.output().length
  await askTogether(REQUESTS)
  const collections = readCollections(relay.process.output().slice(since))
  let grownMb = 0
  for (const [at, { isFull, left }] of collections.entries())
    if (at > 0 && !isFull) grownMb += left - (collections[at - 1]?.left ?? 0)
  expect([...outcomes]).toEqual(['200'])
  expect(collections.length).toBeGreaterThan(5)
  expect((grownMb * 1_000_000) / REQUESTS).toBeLessThan(MOST_BYTES_A_REQUEST)
})
