import { beforeAll, describe, expect, test } from 'vitest'
import { batchPath, problemOf } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
let user: TestUser

beforeAll(async () => {
  user = await relay.user()
})

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
    const calls = batchPath(['messages.list', 'messages.nothing'], { 0: { extra: 1 } })
    expect((await relay.get(calls, { token: user.token })).json).toEqual([
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

  test('of a fault inside names the request, over both doors, and says nothing of the fault', async () => {
    await relay.sql('alter table public_keys rename to elsewhere')
    const { token } = user
    const rest = await relay.get(`/public-key/${user.id}`, { token })
    const alone = await relay.query('keys.get', { user_id: user.id }, { token })
    const both = await relay.get(batchPath(['keys.get', 'messages.list'], { 0: { user_id: user.id } }), {
      token,
    })
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
