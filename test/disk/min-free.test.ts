import { afterEach, describe, expect, test } from 'vitest'
import { outcomeOf, queryPath, request, type Answer, type RequestOptions } from '../harness/http.js'
import { spawnServer } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import { record } from './evidence.js'
import { placeGiven, placeOwn, type Place } from './places.js'

const MIB = 1_048_576
const MIN_FREE_MIB = 32
const BELOW_MIB = 16
const SENDS = 50
const UNAVAILABLE = '503 unavailable'
const PERSON = { username: 'alice', password: 'a good password', public_key: 'k' }
const SAID = 'The server is short of disk space and takes no registrations and no messages for now.'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** A server in a place, and one who is registered there. */
async function serve(place: Place, minFree: string) {
  const server = spawnServer({ SECRET_KEY, LIMITS: 'off', MIN_FREE_DISK: minFree, ...place.settings })
  undo.push(() => {
    server.child.kill('SIGTERM')
    return server.ended
  })
  const base = await server.listening
  const ask = (method: string, path: string, options?: RequestOptions): Promise<Answer> =>
    request(base, method, path, options)
  return { server, ask }
}

type Ask = Awaited<ReturnType<typeof serve>>['ask']

async function register(ask: Ask): Promise<{ id: string; token: string; send: () => Promise<Answer> }> {
  const id = String(Object((await ask('POST', '/register', { json: PERSON })).json).id)
  const token = tokenFor(id)
  const send = () => ask('POST', '/messages', { json: { recipient_id: id, ciphertext: 'c' }, token })
  return { id, token, send }
}

/** Each process looks for itself: it is so once several calls in a row have had this answer. */
async function untilSends(send: () => Promise<Answer>, outcome: string): Promise<void> {
  const outcomes = async () => {
    const answers: string[] = []
    for (let at = 0; at < 6; at += 1) answers.push(outcomeOf(await send()))
    return answers
  }
  await expect.poll(outcomes, { timeout: 15_000, interval: 200 }).toEqual(Array(6).fill(outcome))
}

async function gaugesOf(ask: Ask): Promise<{ free: number; short: number }> {
  const { text } = await ask('GET', '/metrics')
  const value = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { free: value('disk_free_bytes'), short: value('disk_short') }
}

async function expectRefused(ask: Ask, id: string, token: string): Promise<void> {
  const person = { ...PERSON, username: 'bob' }
  const letter = { recipient_id: id, ciphertext: 'c' }
  const refused = [
    await ask('POST', '/register', { json: person }),
    // It would tell that the name is taken.
    await ask('POST', '/register', { json: PERSON }),
    await ask('POST', '/trpc/auth.register', { json: person }),
    await ask('POST', '/messages', { json: letter, token }),
    // It would tell that there is nobody.
    await ask('POST', '/messages', {
      json: { ...letter, recipient_id: '00000000-0000-4000-8000-000000000000' },
      token,
    }),
    await ask('POST', '/trpc/messages.send', { json: letter, token }),
  ]
  for (const answer of refused) {
    expect(outcomeOf(answer)).toBe(UNAVAILABLE)
    expect(answer.headers['retry-after']).toBe('60')
    expect(answer.text).toContain(SAID)
  }
  const earlier = [
    await ask('POST', '/register', { json: { ...person, password: 'short' } }),
    await ask('POST', '/messages', { json: { ...letter, ciphertext: '' }, token }),
    await ask('POST', '/messages', { json: letter }),
  ]
  expect(earlier.map(({ status }) => status)).toEqual([422, 422, 401])
}

async function expectTheRestGoesOn(
  ask: Ask,
  id: string,
  token: string,
  waiting: readonly string[],
): Promise<void> {
  const [first, second] = waiting
  const rest = [
    await ask('POST', '/login', { form: { username: PERSON.username, password: PERSON.password } }),
    await ask('GET', '/me', { token }),
    await ask('GET', '/messages', { token }),
    await ask('GET', queryPath('messages.list', {}), { token }),
    await ask('PUT', `/messages/${first}/delivered`, { token }),
    await ask('POST', '/trpc/messages.confirm', { json: { id: second }, token }),
    await ask('GET', `/messages/${first}/status?recipient_id=${id}`, { token }),
    await ask('GET', `/public-key/${id}`, { token }),
    await ask('PUT', '/update-key', { json: { public_key: 'k2' }, token }),
    await ask('GET', `/users/${PERSON.username}`, { token }),
    await ask('GET', '/health'),
  ]
  expect(rest.map(outcomeOf)).toEqual(rest.map(() => '200'))
}

async function takenOf(send: () => Promise<Answer>): Promise<number> {
  let taken = 0
  for (let at = 0; at < SENDS; at += 1) if ((await send()).status === 201) taken += 1
  return taken
}

describe.each([
  ['its own database and two processes', placeOwn],
  ['a database whose disk DISK_FOLDERS names', placeGiven],
])('MIN_FREE_DISK, with %s', (_name, makePlace) => {
  test('refuses registrations and sends below it and nothing else, says so, and takes them again above it', async () => {
    const place = await makePlace()
    undo.push(() => place.remove())
    const started = new Date().toISOString()
    const { server, ask } = await serve(place, String(MIN_FREE_MIB * MIB))
    const { id, token, send } = await register(ask)
    const waiting = [await send(), await send()].map(({ json }) => String(Object(json).id))
    expect((await ask('GET', '/ready')).json).toEqual({ status: 'ready' })
    expect(await gaugesOf(ask)).toEqual({ free: expect.closeTo(place.disk.freeBytes, -7), short: 0 })

    place.disk.fill(BELOW_MIB)
    await untilSends(send, UNAVAILABLE)
    await expectRefused(ask, id, token)
    await expectTheRestGoesOn(ask, id, token, waiting)
    await expect
      .poll(async () => (await ask('GET', '/ready')).json, { timeout: 5000 })
      .toEqual({ status: 'ready', writes: 'refused', detail: SAID })
    expect((await ask('GET', '/ready')).status).toBe(200)
    const { free, short } = await gaugesOf(ask)
    expect(short).toBe(1)
    expect(free).toBeGreaterThan(0)
    expect(free).toBeLessThan(MIN_FREE_MIB * MIB)
    const taken = await takenOf(send)
    expect(taken).toBe(0)

    place.disk.clear()
    await untilSends(send, '201')
    await expect
      .poll(async () => (await ask('GET', '/ready')).json, { timeout: 5000 })
      .toEqual({ status: 'ready' })
    expect((await gaugesOf(ask)).short).toBe(0)
    expect(server.child.exitCode).toBe(null)
    record(`MIN_FREE_DISK, with ${_name}`, {
      started,
      ended: new Date().toISOString(),
      'sends below it': SENDS,
      taken,
      refused: SENDS - taken,
      'taken without MIN_FREE_DISK': await takenWithout(place, server),
    })
  })
})

/** The same place and the same disk, without the guard. */
async function takenWithout(
  place: Place,
  guarded: { child: { kill(signal: 'SIGTERM'): boolean }; ended: Promise<unknown> },
) {
  guarded.child.kill('SIGTERM')
  await guarded.ended
  const { ask } = await serve(place, 'off')
  const { json } = await ask('POST', '/login', {
    form: { username: PERSON.username, password: PERSON.password },
  })
  const token = String(Object(json).access_token)
  const id = String(Object((await ask('GET', '/me', { token })).json).id)
  place.disk.fill(BELOW_MIB)
  const taken = await takenOf(() =>
    ask('POST', '/messages', { json: { recipient_id: id, ciphertext: 'c' }, token }),
  )
  place.disk.clear()
  expect(taken).toBe(SENDS)
  expect(Number.isNaN((await gaugesOf(ask)).short)).toBe(true)
  return taken
}
