import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { batchPath, dataOf, namedFields, outcomeOf } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
const JSON_TYPE = { 'content-type': 'application/json' }
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

const batch = z.array(
  z.union([
    z.object({ result: z.object({ data: z.unknown() }) }),
    z.object({ error: z.object({ data: z.object({ code: z.string(), httpStatus: z.int() }) }) }),
  ]),
)

/** `ok` or the code of each call of a batch. */
function outcomes(json: unknown): string[] {
  return batch.parse(json).map((call) => ('result' in call ? 'ok' : call.error.data.code))
}

function batchOf(names: string[], inputs: Record<number, unknown>, token: string | undefined = user.token) {
  return relay.get(batchPath(names, inputs), { token })
}

describe('a single call', () => {
  test('ignores its input where the operation has no fields, and all parameters but input and batch', async () => {
    for (const search of [
      '',
      '?input=%7B',
      '?input=5',
      '?input=null',
      '?input=%zz',
      '?input=1&input=2',
      '?batch=1&input=%zz',
      '?batch=1&input=5',
      '?foo=1&connectionParams=%7B&lastEventId=1',
    ])
      expect(outcomeOf(await relay.get(`/trpc/auth.me${search}`, { token: user.token }))).toBe('200')
  })

  test('without input means {} where all fields are optional, and null is not that', async () => {
    expect(outcomeOf(await relay.query('messages.list', undefined, { token: user.token }))).toBe('200')
    expect(outcomeOf(await relay.query('messages.list', {}, { token: user.token }))).toBe('200')
    for (const input of [null, 5, 'x', []]) {
      const answer = await relay.query('messages.list', input, { token: user.token })
      expect(outcomeOf(answer)).toBe('422 validation_failed')
      expect(namedFields(answer)).toEqual([''])
    }
  })

  test('takes numbers and no text for them, also after REST was coerced', async () => {
    expect(outcomeOf(await relay.get('/messages?limit=5&wait=0', { token: user.token }))).toBe('200')
    const answer = await relay.query('messages.list', { limit: '5' }, { token: user.token })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toEqual(['limit'])
  })

  test('given its input twice is 422, and with broken encoding 400, once the caller is known', async () => {
    const twice = '/trpc/messages.list?input=%7B%7D&input=%7B%7D'
    expect(outcomeOf(await relay.get(twice, { token: user.token }))).toBe('422 validation_failed')
    expect(outcomeOf(await relay.get(twice))).toBe('401 not_authenticated')
    const login = await relay.mutate('auth.login?input=1&input=2', {
      username: 'nobody',
      password: 'nothing',
    })
    expect(outcomeOf(login)).toBe('422 validation_failed')
    for (const input of ['%zz', '%ff', '%7B', '%EF%BB%BF%7B%7D'])
      expect(outcomeOf(await relay.get(`/trpc/messages.list?input=${input}`, { token: user.token }))).toBe(
        '400 malformed_request',
      )
  })

  test.each([
    ['no JSON', '{', JSON_TYPE, '400 malformed_request'],
    ['a byte order mark first', '\ufeff{}', JSON_TYPE, '400 malformed_request'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), JSON_TYPE, '400 malformed_request'],
    ['another type', '{}', { 'content-type': 'text/plain' }, '415 unsupported_media_type'],
    ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, '415 unsupported_media_type'],
    [
      'another charset',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      '415 unsupported_media_type',
    ],
    [
      'a content encoding',
      '{}',
      { ...JSON_TYPE, 'content-encoding': 'identity' },
      '415 unsupported_media_type',
    ],
    ['more than 1 MiB', Buffer.alloc(1_048_577, ' '), JSON_TYPE, '413 too_large'],
    ['nothing', '', JSON_TYPE, '422 validation_failed'],
    ['nothing, without a type', '', {}, '422 validation_failed'],
    ['null', 'null', JSON_TYPE, '422 validation_failed'],
  ])('with a body of %s has the outcome that REST has', async (_name, body, headers, outcome) => {
    const answer = await relay.request('POST', '/trpc/keys.update', { token: user.token, body, headers })
    expect(outcomeOf(answer)).toBe(outcome)
    expect(answer.headers['content-type']).toBe('application/json')
  })

  test('that fails has the headers of its REST twin', async () => {
    const answer = await relay.query('auth.me')
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-request-id']).toBeTruthy()
  })
})

describe('a batch', () => {
  test('of calls that differ in status is 207, each call with its own', async () => {
    const answer = await batchOf(['auth.me', 'keys.get', 'nope.nothing', 'messages.list'], {
      1: { user_id: randomUUID() },
      3: { limit: 0 },
    })
    expect(answer.status).toBe(207)
    expect(outcomes(answer.json)).toEqual(['ok', 'not_found', 'not_found', 'validation_failed'])
  })

  test('of one call is answered as a batch', async () => {
    const answer = await batchOf(['auth.me'], {})
    expect(answer.status).toBe(200)
    expect(outcomes(answer.json)).toEqual(['ok'])
  })

  test('of mutations sends each', async () => {
    const body = JSON.stringify({
      0: { recipient_id: user.id, ciphertext: 'one' },
      1: { recipient_id: user.id, ciphertext: '' },
      2: { recipient_id: user.id, ciphertext: 'three' },
    })
    const answer = await relay.request('POST', '/trpc/messages.send,messages.send,messages.send?batch=1', {
      token: user.token,
      body,
      headers: JSON_TYPE,
    })
    expect(answer.status).toBe(207)
    expect(outcomes(answer.json)).toEqual(['ok', 'validation_failed', 'ok'])
  })

  test('of more than ten calls is one 400 before 401, and none runs', async () => {
    const send = Array<string>(11).fill('messages.send')
    const message = { recipient_id: user.id, ciphertext: 'never kept' }
    const body = JSON.stringify(Object.fromEntries(send.map((_, i) => [i, message])))
    const path = `/trpc/${send.join(',')}?batch=1`
    for (const token of [user.token, undefined])
      expect(outcomeOf(await relay.request('POST', path, { token, body, headers: JSON_TYPE }))).toBe(
        '400 malformed_request',
      )
    const { messages } = await relay.inbox(user, '?limit=100')
    expect(messages.some(({ ciphertext }) => ciphertext === 'never kept')).toBe(false)
  })

  test('of more than ten calls is refused for its path, method, type and size before that', async () => {
    const eleven = (name: string): string => `/trpc/${Array<string>(10).fill(name).join(',')}`
    expect(outcomeOf(await relay.get(`${eleven('auth.me')},no.such?batch=1`))).toBe('404 not_found')
    expect(outcomeOf(await relay.get(`${eleven('auth.me')},messages.send?batch=1`))).toBe(
      '405 method_not_allowed',
    )
    const path = `${eleven('messages.send')},messages.send?batch=1`
    const wrong = { body: '{}', headers: { 'content-type': 'text/plain' } }
    expect(outcomeOf(await relay.request('POST', path, wrong))).toBe('415 unsupported_media_type')
    const large = { body: Buffer.alloc(1_048_577, ' '), headers: JSON_TYPE }
    expect(outcomeOf(await relay.request('POST', path, large))).toBe('413 too_large')
  })

  test('is not widened by encoded commas: an encoded name names nothing', async () => {
    const encoded = Array<string>(40).fill('auth.me').join('%2C')
    const answer = await relay.get(`/trpc/auth.me,${encoded},auth%2Eme,%?batch=1`, { token: user.token })
    expect(answer.status).toBe(207)
    expect(outcomes(answer.json)).toEqual(['ok', 'not_found', 'not_found', 'not_found'])
  })

  test('stays one when another parameter is broken', async () => {
    const answer = await relay.get('/trpc/messages.list,messages.list?batch=1&x=%ff', { token: user.token })
    expect(outcomes(answer.json)).toEqual(['malformed_request', 'malformed_request'])
  })

  test.each(['null', '5', '[]', '"x"', '[{}]'])('whose input is %s is 422 for each call', async (body) => {
    const path = '/trpc/messages.confirm,messages.confirm?batch=1'
    const answer = await relay.request('POST', path, { token: user.token, body, headers: JSON_TYPE })
    expect(answer.status).toBe(422)
    expect(outcomes(answer.json)).toEqual(['validation_failed', 'validation_failed'])
  })

  test('may not wait', async () => {
    const answer = await batchOf(['messages.list', 'messages.list'], { 0: { wait: 1 }, 1: { wait: 0 } })
    expect(outcomes(answer.json)).toEqual(['validation_failed', 'ok'])
    expect(outcomes((await batchOf(['messages.list'], { 0: { wait: 30 } })).json)).toEqual([
      'validation_failed',
    ])
  })

  test('streams only when trpc-accept asks for it', async () => {
    const path = '/trpc/auth.me,keys.get?batch=1&input=%7B%221%22%3A%7B%22user_id%22%3A%22x%22%7D%7D'
    const plain = await relay.get(path, { token: user.token, headers: { accept: 'application/jsonl' } })
    expect(plain.status).toBe(207)
    const streamed = await relay.get(path, {
      token: user.token,
      headers: { 'trpc-accept': 'application/jsonl' },
    })
    expect(streamed.status).toBe(200)
    expect(streamed.headers['x-request-id']).toBeTruthy()
    expect(streamed.text.split('\n').length).toBeGreaterThan(2)
  })

  test('is what streams: a single call does not', async () => {
    const answer = await relay.get('/trpc/auth.me', { headers: { 'trpc-accept': 'application/jsonl' } })
    expect(outcomeOf(answer)).toBe('401 not_authenticated')
    expect(answer.headers['content-type']).toBe('application/json')
  })

  test('without a token is 401 for every call', async () => {
    const answer = await relay.get('/trpc/auth.me,messages.list?batch=1')
    expect(answer.status).toBe(401)
    expect(outcomes(answer.json)).toEqual(['not_authenticated', 'not_authenticated'])
  })
})

test('data of a call is what REST answers', async () => {
  const answer = await relay.query('auth.me', undefined, { token: user.token })
  expect(dataOf(answer)).toEqual((await relay.get('/me', { token: user.token })).json)
})
