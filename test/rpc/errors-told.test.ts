import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { problemOf, type Answer } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay({ LIMITS: 'on', LIMIT_LOOKUP: '9/600', LIMIT_LOOKUP_MISS: '2/600' })
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

function batch(names: readonly string[], inputs: Record<number, unknown>): Promise<Answer> {
  const input = encodeURIComponent(JSON.stringify(inputs))
  return relay.get(`/trpc/${names.join(',')}?batch=1&input=${input}`, { token: user.token })
}

describe('what an error tells', () => {
  test('is the same alone and in a batch: the code, the sentence, the call, the broken rules, and nothing else', async () => {
    const unknownField = {
      message: 'Some values break a rule; errors names them.',
      code: -32_022,
      data: {
        code: 'validation_failed',
        httpStatus: 422,
        detail: 'Some values break a rule; errors names them.',
        path: 'messages.list',
        errors: [{ path: 'extra', message: 'is not a field of this operation' }],
      },
    }
    const unknownCall = {
      message: 'Not found.',
      code: -32_004,
      data: { code: 'not_found', httpStatus: 404, detail: 'Not found.', path: 'messages.nothing' },
    }
    const alone = await relay.query('messages.list', { extra: 1 }, { token: user.token })
    expect(alone.json).toEqual({ error: unknownField })
    expect((await batch(['messages.list', 'messages.nothing'], { 0: { extra: 1 } })).json).toEqual([
      { error: unknownField },
      { error: unknownCall },
    ])
  })

  test('over REST is the same in a problem', async () => {
    expect(problemOf(await relay.get('/messages?extra=1', { token: user.token }))).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'Some values break a rule; errors names them.',
      code: 'validation_failed',
      errors: [{ path: 'extra', message: 'is not a field of this operation' }],
    })
  })

  test('of a text that is no JSON is that, and not the text', async () => {
    const told = { status: 400, code: 'malformed_request', detail: 'The input is not JSON.' }
    const headers = { 'content-type': 'application/json' }
    const over = { token: user.token, headers, body: '{"secret' }
    expect(problemOf(await relay.request('POST', '/messages', over))).toMatchObject(told)
    const [alone, inBatch] = [
      await relay.request('POST', '/trpc/messages.send', over),
      await relay.request('POST', '/trpc/messages.send?batch=1', over),
    ]
    const error = { message: told.detail, data: { code: told.code, httpStatus: 400 } }
    expect(alone.json).toMatchObject({ error })
    expect(inBatch.json).toMatchObject([{ error }])
  })

  test('of very many fields, or very long ones, is no more than helps', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, field) => [`field${field}`, 1]))
    const told = problemOf(await relay.post('/messages/delivered', many, { token: user.token })).errors
    expect(told).toHaveLength(32)
    const long = await relay.post('/messages/delivered', { ['x'.repeat(500)]: 1 }, { token: user.token })
    expect(problemOf(long).errors?.map(({ path }) => path)).toContain('x'.repeat(128))
  })

  test('of a spent limit says over both doors when it is over, and spends no other', async () => {
    const { token } = await relay.user()
    const miss = () => relay.query('keys.get', { user_id: randomUUID() }, { token })
    await miss()
    await miss()
    const retry_after = problemOf(await relay.get(`/public-key/${user.id}`, { token })).retry_after
    expect(retry_after).toBeGreaterThan(0)
    expect((await miss()).json).toMatchObject({
      error: { data: { code: 'rate_limited', httpStatus: 429, retry_after: expect.any(Number) } },
    })
    expect((await relay.get('/me', { token })).status).toBe(200)
  })

  test('of a fault inside names the request, over both doors, and says nothing of the fault', async () => {
    await relay.sql('alter table public_keys rename to elsewhere')
    const { token } = user
    const rest = await relay.get(`/public-key/${user.id}`, { token })
    const alone = await relay.query('keys.get', { user_id: user.id }, { token })
    const both = await batch(['keys.get', 'messages.list'], { 0: { user_id: user.id } })
    await relay.sql('alter table elsewhere rename to public_keys')
    const detail = 'Something went wrong on the server. The request id helps its operator to find out what.'
    expect(problemOf(rest)).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail,
      code: 'internal_error',
      request_id: rest.headers['x-request-id'],
    })
    const error = (request_id: unknown) => ({
      message: detail,
      code: -32_603,
      data: { code: 'internal_error', httpStatus: 500, detail, path: 'keys.get', request_id },
    })
    expect(alone.json).toEqual({ error: error(alone.headers['x-request-id']) })
    expect(both.json).toMatchObject([{ error: error(both.headers['x-request-id']) }, { result: {} }])
  })
})

test('operations without fields ignore their input, also one whose encoding is broken or that is there twice', async () => {
  for (const search of ['?input=%zz', '?input=1&input=2', '?batch=1&input=%zz', '?batch=1&input=5'])
    expect((await relay.get(`/trpc/auth.me${search}`, { token: user.token })).status).toBe(200)
  const twice = await relay.mutate('auth.login?input=1&input=2', { username: 'nobody', password: 'nothing' })
  expect(twice.json).toMatchObject({ error: { data: { code: 'validation_failed' } } })
})
