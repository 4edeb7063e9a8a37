import { beforeAll, expect, test } from 'vitest'
import { readCollections, TELLS_COLLECTIONS } from '../harness/collections.js'
import { outcomeOf } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const LISTS = 2000
const READERS = 16
/** Where a timer held what was read, two thousand lists brought eight. */
const MOST_FULL_COLLECTIONS = 3

const relay = useRelay(TELLS_COLLECTIONS)
let owner: TestUser

const list = () => relay.get('/messages', { token: owner.token })

beforeAll(async () => {
  owner = await relay.user()
  for (let left = 50; left > 0; left -= 1) await relay.send(owner, owner, 'x'.repeat(1024))
  for (let left = 100; left > 0; left -= 1) await list()
})

test('what was read for one answer is garbage of the cheap kind once it is sent', async () => {
  const since = relay.process.output().length
  const outcomes = new Set<string>()
  const read = async (): Promise<void> => {
    for (let left = LISTS / READERS; left > 0; left -= 1) outcomes.add(outcomeOf(await list()))
  }
  await Promise.all(Array.from({ length: READERS }, read))
  const collections = readCollections(relay.process.output().slice(since))
  const full = collections.filter(({ isFull }) => isFull).length
  expect([...outcomes]).toEqual(['200'])
  expect(collections.length - full).toBeGreaterThan(10)
  expect(full).toBeLessThanOrEqual(MOST_FULL_COLLECTIONS)
})
