// Every line with a mark at its end is wrong, and the compiler must say so.
import createClient from 'openapi-fetch'
import type { paths } from './relay.mjs'

export async function mistakes(baseUrl: string) {
  const client = createClient<paths>({ baseUrl })
  await client.POST('/messages', {
    body: {
      recipient: 'somebody', // refused: 'recipient' does not exist
      ciphertext: 'text',
    },
  })
  await client.POST('/register', {
    body: { username: 'alice', password: 12345678, public_key: 'key' }, // refused: 'number' is not assignable to type 'string'
  })
  await client.GET('/messages', { params: { query: { limit: 'ten' } } }) // refused: 'string' is not assignable to type 'number'
  await client.GET('/message', {}) // refused: "/message"
  const { data, error } = await client.GET('/me')
  const secret = data?.password // refused: 'password' does not exist
  return [secret, error?.code === 'no_such_code'] // refused: have no overlap
}
