import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { dataOf, namedFields, outcomeOf, problemOf, type Answer } from '../harness/http.js'
import { tokenFor, useRelay, type TestUser } from '../harness/relay.js'

// One policy, two doors (promise 9): the same input, through REST and through tRPC, in both orders.
const relay = useRelay()
let alice: TestUser
let bob: TestUser

beforeAll(async () => {
  alice = await relay.user()
  bob = await relay.user()
})

type Door = (input: Record<string, unknown>, token: string | undefined) => Promise<Answer>
type Doors = { rest: Door; rpc: Door }

const path = (value: unknown): string => encodeURIComponent(String(value))

const DOORS: Record<string, Doors> = {
  'auth.register': {
    rest: (input, token) => relay.post('/register', input, { token }),
    rpc: (input, token) => relay.mutate('auth.register', input, { token }),
  },
  'auth.login': {
    rest: (input, token) => relay.post('/login', input, { token }),
    rpc: (input, token) => relay.mutate('auth.login', input, { token }),
  },
  'auth.me': {
    rest: (_input, token) => relay.get('/me', { token }),
    rpc: (_input, token) => relay.query('auth.me', undefined, { token }),
  },
  'messages.send': {
    rest: (input, token) => relay.post('/messages', input, { token }),
    rpc: (input, token) => relay.mutate('messages.send', input, { token }),
  },
  'messages.list': {
    rest: (input, token) => relay.get(`/messages?${new URLSearchParams(Object(input))}`, { token }),
    rpc: (input, token) => relay.query('messages.list', input, { token }),
  },
  'messages.confirm': {
    rest: ({ id }, token) => relay.request('PUT', `/messages/${path(id)}/delivered`, { token }),
    rpc: (input, token) => relay.mutate('messages.confirm', input, { token }),
  },
  'messages.confirm_many': {
    rest: (input, token) => relay.post('/messages/delivered', input, { token }),
    rpc: (input, token) => relay.mutate('messages.confirm_many', input, { token }),
  },
  'messages.status': {
    rest: ({ id, ...query }, token) =>
      relay.get(`/messages/${path(id)}/status?${new URLSearchParams(Object(query))}`, { token }),
    rpc: (input, token) => relay.query('messages.status', input, { token }),
  },
  'keys.get': {
    rest: ({ user_id }, token) => relay.get(`/public-key/${path(user_id)}`, { token }),
    rpc: (input, token) => relay.query('keys.get', input, { token }),
  },
  'keys.update': {
    rest: (input, token) => relay.put('/update-key', input, { token }),
    rpc: (input, token) => relay.mutate('keys.update', input, { token }),
  },
  'users.find': {
    rest: ({ username }, token) => relay.get(`/users/${path(username)}`, { token }),
    rpc: (input, token) => relay.query('users.find', input, { token }),
  },
}

const expired = (): string => tokenFor(alice.id, { iat: Math.floor(Date.now() / 1000) - 2000 })
const ghost = (): string => tokenFor(randomUUID())
const owner = (): string => alice.token

interface Case {
  readonly operation: string
  readonly input?: () => Record<string, unknown>
  readonly token?: () => string
  readonly outcome: string
}

const to = (over: Record<string, unknown>) => (): Record<string, unknown> => ({
  recipient_id: bob.id,
  ciphertext: 'x',
  ...over,
})
const person = (over: Record<string, unknown>) => (): Record<string, unknown> => ({
  username: `u${randomUUID().slice(0, 12)}`,
  password: 'a good password',
  public_key: 'k',
  ...over,
})

const CASES: Case[] = [
  { operation: 'auth.register', input: person({}), outcome: 'success' },
  { operation: 'auth.register', input: person({ username: 'x' }), outcome: '422 validation_failed' },
  {
    operation: 'auth.register',
    input: person({ password: 'ä'.repeat(37) }),
    outcome: '422 validation_failed',
  },
  { operation: 'auth.register', input: person({ is_admin: true }), outcome: '422 validation_failed' },
  { operation: 'auth.register', input: () => person({})(), token: () => 'garbage', outcome: 'success' },
  {
    operation: 'auth.login',
    input: () => ({ username: alice.username, password: alice.password }),
    outcome: 'success',
  },
  {
    operation: 'auth.login',
    input: () => ({ username: alice.username, password: 'no' }),
    outcome: '401 invalid_credentials',
  },
  {
    operation: 'auth.login',
    input: () => ({ username: 5, password: 'no' }),
    outcome: '422 validation_failed',
  },
  {
    operation: 'auth.login',
    input: () => ({ username: 'a', password: 'b', grant_type: 'x' }),
    outcome: '422 validation_failed',
  },
  { operation: 'auth.me', token: owner, outcome: 'success' },
  { operation: 'auth.me', outcome: '401 not_authenticated' },
  { operation: 'auth.me', token: expired, outcome: '401 token_expired' },
  { operation: 'auth.me', token: ghost, outcome: '401 not_authenticated' },
  { operation: 'messages.send', input: to({}), token: owner, outcome: 'success' },
  { operation: 'messages.send', input: to({}), outcome: '401 not_authenticated' },
  { operation: 'messages.send', input: to({}), token: ghost, outcome: '401 not_authenticated' },
  {
    operation: 'messages.send',
    input: to({ recipient_id: randomUUID() }),
    token: owner,
    outcome: '404 not_found',
  },
  {
    operation: 'messages.send',
    input: to({ ciphertext: 'a\0' }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.send',
    input: to({ client_message_id: null }),
    token: owner,
    outcome: '422 validation_failed',
  },
  { operation: 'messages.list', input: () => ({}), token: owner, outcome: 'success' },
  { operation: 'messages.list', input: () => ({ limit: 0 }), token: owner, outcome: '422 validation_failed' },
  { operation: 'messages.list', input: () => ({ wait: 31 }), token: owner, outcome: '422 validation_failed' },
  {
    operation: 'messages.list',
    input: () => ({ nonsense: 1 }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.list',
    input: () => ({ after: 'x' }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.confirm',
    input: () => ({ id: randomUUID() }),
    token: owner,
    outcome: '404 not_found',
  },
  {
    operation: 'messages.confirm',
    input: () => ({ id: 'malformed' }),
    token: owner,
    outcome: '404 not_found',
  },
  { operation: 'messages.confirm', input: () => ({ id: 'x' }), outcome: '401 not_authenticated' },
  {
    operation: 'messages.confirm_many',
    input: () => ({ ids: [randomUUID()] }),
    token: owner,
    outcome: 'success',
  },
  {
    operation: 'messages.confirm_many',
    input: () => ({ ids: ['x'] }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.confirm_many',
    input: () => ({ ids: [] }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.status',
    input: () => ({ id: randomUUID(), recipient_id: bob.id }),
    token: owner,
    outcome: '404 not_found',
  },
  {
    operation: 'messages.status',
    input: () => ({ id: 'x', recipient_id: bob.id }),
    token: owner,
    outcome: '404 not_found',
  },
  {
    operation: 'messages.status',
    input: () => ({ id: randomUUID(), recipient_id: 'x' }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'messages.status',
    input: () => ({ id: randomUUID() }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'keys.get',
    input: () => ({ user_id: bob.id.toUpperCase() }),
    token: owner,
    outcome: 'success',
  },
  { operation: 'keys.get', input: () => ({ user_id: '999999' }), token: owner, outcome: '404 not_found' },
  { operation: 'keys.update', input: () => ({ public_key: 'the same' }), token: owner, outcome: 'success' },
  {
    operation: 'keys.update',
    input: () => ({ public_key: 'x\u0000' }),
    token: owner,
    outcome: '422 validation_failed',
  },
  {
    operation: 'keys.update',
    input: () => ({ public_key: 'x' }),
    token: ghost,
    outcome: '401 not_authenticated',
  },
  {
    operation: 'users.find',
    input: () => ({ username: bob.username.toUpperCase() }),
    token: owner,
    outcome: 'success',
  },
  { operation: 'users.find', input: () => ({ username: 'ab' }), token: owner, outcome: '404 not_found' },
  {
    operation: 'users.find',
    input: () => ({ username: 'nobody.here' }),
    token: expired,
    outcome: '401 token_expired',
  },
]

/** An answer in what both doors have in common. */
function told(answer: Answer): Record<string, unknown> {
  if (answer.status < 400) return { outcome: 'success' }
  const fields = namedFields(answer).toSorted()
  const isProblem = answer.headers['content-type'] === 'application/problem+json'
  const detail = isProblem ? problemOf(answer).detail : Object(answer.json).error.data.detail
  return { outcome: outcomeOf(answer), fields, detail, bearer: answer.headers['www-authenticate'] }
}

describe.each([
  ['REST first', ['rest', 'rpc'] as const],
  ['tRPC first', ['rpc', 'rest'] as const],
])('%s', (_name, order) => {
  test.each(CASES)(
    '$operation: $outcome at both doors ($#)',
    async ({ operation, input, token, outcome }) => {
      const doors = DOORS[operation]
      if (!doors) throw new Error('no such operation')
      // A fresh input for each door where it makes something, the same in all else.
      const given = input?.() ?? {}
      const again = operation === 'auth.register' && outcome === 'success' ? (input?.() ?? {}) : given
      const bearer = token?.()
      const answers = [await doors[order[0]](given, bearer), await doors[order[1]](again, bearer)]
      for (const answer of answers) expect(told(answer)['outcome']).toBe(outcome)
      const [first, second] = answers.map(told)
      expect(first).toEqual(second)
    },
  )
})

test('text that is no JSON is told in the same words', async () => {
  const broken = { token: alice.token, body: '{', headers: { 'content-type': 'application/json' } }
  const rest = await relay.request('POST', '/messages', broken)
  const rpc = await relay.request('POST', '/trpc/messages.send', broken)
  expect(told(rpc)).toEqual(told(rest))
})

test('a message goes in at one door and out at the other, with the same JSON', async () => {
  const key = randomUUID()
  const message = { recipient_id: bob.id, ciphertext: 'across', client_message_id: key }
  const sent = await relay.post('/messages', message, { token: alice.token })
  const resent = await relay.mutate('messages.send', message, { token: alice.token })
  expect(dataOf(resent)).toEqual(sent.json)
  const listed = await relay.query('messages.list', {}, { token: bob.token })
  expect(dataOf(listed)).toEqual((await relay.get('/messages', { token: bob.token })).json)
  const { id } = Object(sent.json)
  const confirmed = await relay.mutate('messages.confirm', { id }, { token: bob.token })
  expect((await relay.confirm(bob, id)).json).toEqual(dataOf(confirmed))
})
