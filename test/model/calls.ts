import { z } from 'zod'
import { dataOf, outcomeOf, queryPath, request, type RequestOptions } from '../harness/http.js'

/** What a person asks of the relay, whichever door it goes through. People and messages are named by their ids. */
export type Call = { readonly by: string } & (
  | {
      readonly kind: 'send'
      readonly to: string
      readonly ciphertext: string
      readonly clientMessageId: string | undefined
    }
  | { readonly kind: 'list'; readonly limit: number | undefined; readonly after: string | undefined }
  | { readonly kind: 'confirm'; readonly id: string }
  | { readonly kind: 'confirm_many'; readonly ids: readonly string[] }
  | { readonly kind: 'status'; readonly id: string; readonly to: string }
  | { readonly kind: 'get_key'; readonly of: string }
  | { readonly kind: 'update_key'; readonly publicKey: string }
  | { readonly kind: 'find_user'; readonly username: string }
)

export type Door = 'rest' | 'rpc'

/** What came of a call: the operation's answer, or status and code of its refusal. Both doors say it alike. */
export type Heard = { readonly data: unknown } | { readonly refused: string }

interface Way {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly json?: unknown
  readonly procedure: string
  readonly input: unknown
}

function listPath(fields: Record<string, string | number | undefined>): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  )
  return given.length === 0 ? '/messages' : `/messages?${given.join('&')}`
}

const segment = encodeURIComponent

function wayOf(call: Call): Way {
  switch (call.kind) {
    case 'send': {
      const { to, ciphertext, clientMessageId } = call
      const json = {
        recipient_id: to,
        ciphertext,
        ...(clientMessageId && { client_message_id: clientMessageId }),
      }
      return { method: 'POST', path: '/messages', json, procedure: 'messages.send', input: json }
    }
    case 'list': {
      const { limit, after } = call
      return {
        method: 'GET',
        path: listPath({ limit, after }),
        procedure: 'messages.list',
        input: { limit, after },
      }
    }
    case 'confirm': {
      const path = `/messages/${segment(call.id)}/delivered`
      return { method: 'PUT', path, procedure: 'messages.confirm', input: { id: call.id } }
    }
    case 'confirm_many': {
      const json = { ids: call.ids }
      return {
        method: 'POST',
        path: '/messages/delivered',
        json,
        procedure: 'messages.confirm_many',
        input: json,
      }
    }
    case 'status': {
      const path = `/messages/${segment(call.id)}/status?recipient_id=${call.to}`
      return {
        method: 'GET',
        path,
        procedure: 'messages.status',
        input: { id: call.id, recipient_id: call.to },
      }
    }
    case 'get_key': {
      const path = `/public-key/${segment(call.of)}`
      return { method: 'GET', path, procedure: 'keys.get', input: { user_id: call.of } }
    }
    case 'update_key': {
      const json = { public_key: call.publicKey }
      return { method: 'PUT', path: '/update-key', json, procedure: 'keys.update', input: json }
    }
    case 'find_user':
      break
  }
  const path = `/users/${segment(call.username)}`
  return { method: 'GET', path, procedure: 'users.find', input: { username: call.username } }
}

function successOf(call: Call, door: Door): number {
  return door === 'rest' && call.kind === 'send' ? 201 : 200
}

const refusal = z.string().regex(/^4\d\d \w+$/)

/** @throws where the answer is no answer to such a call: another 2xx, a 5xx, or a body of another shape */
export async function ask(base: string, door: Door, token: string, call: Call): Promise<Heard> {
  const { method, path, json, procedure, input } = wayOf(call)
  const asks = (how: string, target: string, body?: unknown) => {
    const options: RequestOptions = body === undefined ? { token } : { token, json: body }
    return request(base, how, target, options)
  }
  const reads = method === 'GET'
  const answer =
    door === 'rest'
      ? await asks(method, path, json)
      : reads
        ? await asks('GET', queryPath(procedure, input))
        : await asks('POST', `/trpc/${procedure}`, input)
  if (answer.status === successOf(call, door)) return { data: door === 'rest' ? answer.json : dataOf(answer) }
  return { refused: refusal.parse(outcomeOf(answer)) }
}
