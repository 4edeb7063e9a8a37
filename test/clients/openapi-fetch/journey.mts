// The way from registering to reading a message, as somebody writes it who has nothing but the server's
// /openapi.json. (`.mts`, so that the build of the test folder, which has no generated types, leaves it out.)
import createClient from 'openapi-fetch'
import type { components, paths } from './relay.mjs'

type Problem = components['schemas']['Problem']

function take<Data>({ data, error }: { data?: Data; error?: Problem }): Data {
  if (data === undefined) throw new Error(error?.detail)
  return data
}

export async function journey(baseUrl: string) {
  const anyone = createClient<paths>({ baseUrl })
  const name = Math.random().toString(36).slice(2)
  const alice = { username: `alice.${name}`, password: 'correct horse battery' }
  const bob = { username: `bob.${name}`, password: 'battery horse correct' }

  take(await anyone.POST('/register', { body: { ...alice, public_key: "alice's key" } }))
  const registered = take(await anyone.POST('/register', { body: { ...bob, public_key: "bob's key" } }))

  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const byForm = take(await anyone.POST('/login', { body: alice, headers: form }))
  const byJson = take(await anyone.POST('/login', { body: bob }))
  const tokenType: 'bearer' = byForm.token_type

  const clientOf = (token: string) =>
    createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } })
  const [asAlice, asBob] = [clientOf(byForm.access_token), clientOf(byJson.access_token)]

  const byId = { params: { path: { user_id: registered.id } } }
  const key = take(await asAlice.GET('/public-key/{user_id}', byId))
  const outgoing = { recipient_id: key.user_id, ciphertext: 'only Bob can read this' }
  const receipt = take(await asAlice.POST('/messages', { body: outgoing }))

  const page = take(await asBob.GET('/messages', { params: { query: { limit: 10 } } }))
  const [message] = page.messages
  if (!message) throw new Error('nothing came')
  take(await asBob.PUT('/messages/{id}/delivered', { params: { path: { id: message.id } } }))

  const status = take(
    await asAlice.GET('/messages/{id}/status', {
      params: { path: { id: receipt.id }, query: { recipient_id: registered.id } },
    }),
  )

  const { error: missing } = await asAlice.GET('/public-key/{user_id}', {
    params: { path: { user_id: receipt.id } },
  })
  if (!missing) throw new Error('found what is not there')
  const code: Problem['code'] = missing.code

  return {
    tokenType,
    key: key.public_key,
    keyVersion: key.key_version,
    sameMessage: message.id === receipt.id,
    ciphertext: message.ciphertext,
    more: page.more,
    status: status.status,
    code,
    detail: missing.detail,
    isKnown: missing.code === 'not_found',
  }
}
