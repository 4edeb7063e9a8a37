import { expect, test } from 'vitest'
import { OpenPlaces, PlaceCounts } from '../../server/dist/mailbox/open-places.js'

test('a user has as many places as the cap says, whatever others hold', () => {
  const places = new PlaceCounts(2)
  expect(['a', 'a', 'b', 'a'].map((user) => places.enter(user))).toEqual([true, true, true, false])
  places.leave('a')
  expect([places.enter('a'), places.enter('a')]).toEqual([true, false])
})

test('without a cap there is always a place', () => {
  const places = new PlaceCounts('off')
  expect(Array.from({ length: 1000 }, () => places.enter('a')).every(Boolean)).toBe(true)
})

test('who leaves without having entered gains no place', () => {
  const places = new PlaceCounts(1)
  places.leave('a')
  expect([places.enter('a'), places.enter('a')]).toEqual([true, false])
})

test('when all leave, each place is told of once, and all are free', () => {
  const places = new PlaceCounts(2)
  for (const user of ['a', 'a', 'b']) places.enter(user)
  expect([...places.empty()]).toEqual(['a', 'a', 'b'])
  expect([...places.empty()]).toEqual([])
  expect([places.enter('a'), places.enter('a'), places.enter('a')]).toEqual([true, true, false])
})

test('a place is held until its signal, and who finds none is told when to come again', async () => {
  const places = new OpenPlaces(new PlaceCounts(1))
  const [first, second] = [new AbortController(), new AbortController()]
  await places.take('a', first.signal)
  await expect(places.take('a', second.signal)).rejects.toMatchObject({
    code: 'rate_limited',
    message: 'Too many streams and waits are open.',
    retryAfterSeconds: 5,
  })
  first.abort()
  await places.take('a', second.signal)
  await expect(places.take('a', new AbortController().signal)).rejects.toMatchObject({ code: 'rate_limited' })
})

test('who is gone before the place is given does not keep it', async () => {
  const places = new OpenPlaces(new PlaceCounts(1))
  await places.take('a', AbortSignal.abort())
  await places.take('a', AbortSignal.abort())
  await places.take('a', new AbortController().signal)
})
