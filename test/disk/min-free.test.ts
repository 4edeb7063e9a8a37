import { afterEach, describe, expect, test } from 'vitest'
import { outcomeOf, queryPath } from '../harness/http.js'
import { record } from './evidence.js'
import { Guarded } from './guarded.js'
import { placeGiven, placeOwn, type Place } from './places.js'

const MIB = 1_048_576
const MIN_FREE_BYTES = 32 * MIB
const BELOW_MIB = 16
const SENDS = 100
const NOBODY = '00000000-0000-4000-8000-000000000000'
const UNAVAILABLE = '503 unavailable'
const SAID = 'The server is short of disk space and takes no registrations and no messages for now.'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function start(place: Place, minFree: string): Promise<Guarded> {
  const relay = await Guarded.start(place, minFree)
  undo.push(() => relay.stop())
  await relay.enter()
  return relay
}

async function expectRefused(relay: Guarded): Promise<void> {
  const { id, token, person } = relay
  const stranger = { ...person, username: 'bob' }
  const letter = { recipient_id: id, ciphertext: 'c' }
  const refused = [
    await relay.ask('POST', '/register', { json: stranger }),
    // Another answer would tell that the name is taken.
    await relay.ask('POST', '/register', { json: person }),
    await relay.ask('POST', '/trpc/auth.register', { json: stranger }),
    await relay.ask('POST', '/messages', { json: letter, token }),
    await relay.ask('POST', '/messages', { json: { ...letter, recipient_id: NOBODY }, token }),
    await relay.ask('POST', '/trpc/messages.send', { json: letter, token }),
  ]
  for (const answer of refused) {
    expect(outcomeOf(answer)).toBe(UNAVAILABLE)
    expect(answer.headers['retry-after']).toBe('60')
    expect(answer.text).toContain(SAID)
  }
  const refusedBefore = [
    await relay.ask('POST', '/register', { json: { ...stranger, password: 'short' } }),
    await relay.ask('POST', '/messages', { json: { ...letter, ciphertext: '' }, token }),
    await relay.ask('POST', '/messages', { json: letter }),
  ]
  expect(refusedBefore.map(({ status }) => status)).toEqual([422, 422, 401])
}

async function expectTheRestGoesOn(relay: Guarded, [first, second]: readonly string[]): Promise<void> {
  const { id, token } = relay
  const { username, password } = relay.person
  const rest = [
    await relay.ask('POST', '/login', { form: { username, password } }),
    await relay.ask('GET', '/me', { token }),
    await relay.ask('GET', '/messages', { token }),
    await relay.ask('GET', queryPath('messages.list', {}), { token }),
    await relay.ask('PUT', `/messages/${first}/delivered`, { token }),
    await relay.ask('POST', '/trpc/messages.confirm', { json: { id: second }, token }),
    await relay.ask('GET', `/messages/${first}/status?recipient_id=${id}`, { token }),
    await relay.ask('GET', `/public-key/${id}`, { token }),
    await relay.ask('PUT', '/update-key', { json: { public_key: 'k2' }, token }),
    await relay.ask('GET', `/users/${username}`, { token }),
  ]
  expect(rest.map(outcomeOf)).toEqual(rest.map(() => '200'))
}

async function untilReadyIs(relay: Guarded, body: object): Promise<void> {
  const ask = async () => {
    const { status, json } = await relay.ask('GET', '/ready')
    return { status, json }
  }
  await expect.poll(ask, { timeout: 5000 }).toEqual({
    status: 200,
    json: { epoch: expect.any(String), ...body },
  })
}

/** The same place and the same lack of room, and nothing that looks. @returns how many sends are taken */
async function takenWithoutGuard(place: Place): Promise<number> {
  const relay = await start(place, 'off')
  place.disk.fill(BELOW_MIB)
  expect(await relay.readGauges()).toEqual({ freeBytes: undefined, short: undefined })
  const taken = await relay.countTaken(SENDS)
  await relay.stop()
  place.disk.clear()
  return taken
}

describe.each([
  ['its own database and two processes', placeOwn],
  ['a database whose disk DISK_FOLDERS names', placeGiven],
])('MIN_FREE_DISK, with %s', (which, makePlace) => {
  test('refuses registrations and sends below it and nothing else, says so, and takes them again above it', async () => {
    const place = await makePlace()
    undo.push(() => place.remove())
    const started = new Date().toISOString()
    const without = await takenWithoutGuard(place)
    expect(without).toBe(SENDS)

    const relay = await start(place, String(MIN_FREE_BYTES))
    const waiting = [await relay.send(), await relay.send()].map(({ json }) => String(Object(json).id))
    await untilReadyIs(relay, { status: 'ready' })
    const before = await relay.readGauges()
    expect(before).toEqual({ freeBytes: expect.closeTo(place.disk.freeBytes, -7), short: 0 })

    place.disk.fill(BELOW_MIB)
    await relay.untilSendsAre(UNAVAILABLE)
    await expectRefused(relay)
    await expectTheRestGoesOn(relay, waiting)
    await untilReadyIs(relay, { status: 'ready', writes: 'refused', detail: SAID })
    const { freeBytes, short } = await relay.readGauges()
    expect(short).toBe(1)
    expect(freeBytes).toBeGreaterThan(0)
    expect(freeBytes).toBeLessThan(MIN_FREE_BYTES)
    const taken = await relay.countTaken(SENDS)
    expect(taken).toBe(0)

    place.disk.clear()
    await relay.untilSendsAre('201')
    await untilReadyIs(relay, { status: 'ready' })
    expect((await relay.readGauges()).short).toBe(0)
    expect(relay.runs).toBe(true)
    const figures = { requests: SENDS, acknowledged: taken, refused: SENDS - taken }
    const ended = new Date().toISOString()
    record(`below MIN_FREE_DISK, with ${which}`, {
      started,
      ended,
      ...figures,
      'acknowledged without MIN_FREE_DISK': without,
    })
  })
})
