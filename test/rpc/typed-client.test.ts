import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } from '@trpc/client'
import { type AppRouter, ERRORS, registration } from '@secure-messenger/api'
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
let alice: TestUser
let bob: TestUser

beforeAll(async () => {
  alice = await relay.user()
  bob = await relay.user()
})

function clientOf(user: TestUser, link: typeof httpLink | typeof httpBatchLink | typeof httpBatchStreamLink) {
  return createTRPCClient<AppRouter>({
    links: [
      link<AppRouter>({ url: `${relay.base}/trpc`, headers: { authorization: `Bearer ${user.token}` } }),
    ],
  })
}

describe.each([
  ['httpLink', httpLink],
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
])('a typed client over %s', (_name, link) => {
  test('goes through every operation', async () => {
    const [from, to] = [clientOf(alice, link), clientOf(bob, link)]
    const found = await from.users.find.query({ username: bob.username.toUpperCase() })
    expect(found.user_id).toBe(bob.id)
    const sent = await from.messages.send.mutate({ recipient_id: found.user_id, ciphertext: 'typed' })
    const page = await to.messages.list.query({ limit: 100 })
    expect(page.messages.at(-1)?.id).toBe(sent.id)
    const confirmed = await to.messages.confirm.mutate({ id: sent.id })
    const status = await from.messages.status.query({ id: sent.id, recipient_id: bob.id })
    expect(status).toEqual({ id: sent.id, status: 'delivered', delivered_at: confirmed.delivered_at })
    const many = await to.messages.confirm_many.mutate({ ids: [sent.id] })
    expect(many).toEqual({ delivered: [sent.id], unknown: [] })
    const key = await to.keys.update.mutate({ public_key: randomUUID() })
    expect(await from.keys.get.query({ user_id: bob.id })).toEqual(key)
    expect((await to.auth.me.query()).key_version).toBe(key.key_version)
    expect((await to.messages.list.query()).more).toBe(false)
  })

  test('gets errors with code, status and sentence', async () => {
    const failed = clientOf(alice, link).keys.get.query({ user_id: randomUUID() })
    const error = await failed.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof TRPCClientError)) throw new Error('no tRPC error')
    expect(error.message).toBe('There is no such user.')
    expect(error.data).toMatchObject({ code: 'not_found', httpStatus: 404, detail: 'There is no such user.' })
    expect(error.data).not.toHaveProperty('stack')
  })

  test('registers and logs in without a token', async () => {
    const anyone = createTRPCClient<AppRouter>({ links: [link<AppRouter>({ url: `${relay.base}/trpc` })] })
    const username = `t${randomUUID().slice(0, 20)}`
    const user = await anyone.auth.register.mutate({ username, password: 'a long password', public_key: 'k' })
    const token = await anyone.auth.login.mutate({ username, password: 'a long password' })
    expect(user.key_version).toBe(1)
    expect(token.expires_in).toBe(1800)
  })
})

test('the package gives a client the same rules that the server has', () => {
  expect(registration.safeParse({ username: 'ab', password: 'x', public_key: '' }).success).toBe(false)
  expect(ERRORS.mailbox_full.status).toBe(429)
})
