import { randomUUID } from 'node:crypto'
import { queryPath, request, type Answer } from '../harness/http.js'
import type { World } from './world.js'

interface Asked {
  readonly name: string
  readonly answer: Answer
}

/** Every operation that asks the database, through both doors at once. */
export function everyOperation({ base, token, userId, username, password }: World): Promise<Asked>[] {
  const id = randomUUID()
  const person = { username: 'carol', password, public_key: 'k' }
  const letter = { recipient_id: userId, ciphertext: 'c' }
  const ask = async (method: string, path: string, json?: unknown): Promise<Asked> => ({
    name: `${method} ${path}`,
    answer: await request(base, method, path, { json, token }),
  })
  const query = (name: string, input?: unknown) => ask('GET', queryPath(name, input))
  const mutate = (name: string, input: unknown) => ask('POST', `/trpc/${name}`, input)
  return [
    ask('POST', '/register', person),
    ask('POST', '/login', { username, password }),
    ask('GET', '/me'),
    ask('POST', '/messages', letter),
    ask('GET', '/messages'),
    ask('GET', '/messages?wait=1'),
    ask('PUT', `/messages/${id}/delivered`),
    ask('POST', '/messages/delivered', { ids: [id] }),
    ask('GET', `/messages/${id}/status?recipient_id=${userId}`),
    ask('GET', `/public-key/${userId}`),
    ask('PUT', '/update-key', { public_key: 'k2' }),
    ask('GET', `/users/${username}`),
    mutate('auth.register', person),
    mutate('auth.login', { username, password }),
    query('auth.me'),
    mutate('messages.send', letter),
    query('messages.list', {}),
    mutate('messages.confirm', { id }),
    mutate('messages.confirm_many', { ids: [id] }),
    query('messages.status', { id, recipient_id: userId }),
    query('keys.get', { user_id: userId }),
    mutate('keys.update', { public_key: 'k2' }),
    query('users.find', { username }),
  ]
}
