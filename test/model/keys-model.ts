import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Call, Heard } from './calls.js'
import { expecting, isoOf, NOW_MS, type Person, type State, type Verdict } from './state.js'

type Of<Kind extends Call['kind']> = Extract<Call, { kind: Kind }>

const NOT_FOUND: Heard = { refused: '404 not_found' }
const updatedHeard = z.object({
  data: z.object({ updated_at: z.iso.datetime({ precision: 3 }).transform((text) => Date.parse(text)) }),
})

export function fingerprintOf(publicKey: string): string {
  return createHash('sha256').update(publicKey, 'utf8').digest('hex')
}

function recordOf(id: string, person: Person): Record<string, unknown> {
  return {
    user_id: id,
    username: person.username,
    public_key: person.publicKey,
    key_version: person.keyVersion,
    fingerprint: fingerprintOf(person.publicKey),
    updated_at: isoOf(person.keyUpdatedAt),
  }
}

/** The present key again changes nothing; another one is the next version, set now. */
export function judgeUpdateKey(
  state: State,
  { by, publicKey }: Of<'update_key'>,
  heard: Heard,
  now: number,
): Verdict {
  const before = state.people[by]
  if (!before) throw new Error('a call by nobody')
  if (before.publicKey === publicKey) return expecting({ data: recordOf(by, before) }, heard, state)
  const at = updatedHeard.safeParse(heard).data?.data.updated_at
  if (at === undefined || Math.abs(at - now) > NOW_MS) return { expected: 'a key that was updated now' }
  const person = { ...before, publicKey, keyVersion: before.keyVersion + 1, keyUpdatedAt: at }
  return expecting({ data: recordOf(by, person) }, heard, {
    ...state,
    people: { ...state.people, [by]: person },
  })
}

export function judgeGetKey(state: State, { of }: Of<'get_key'>, heard: Heard): Verdict {
  const id = of.toLowerCase()
  const person = state.people[id]
  return expecting(person ? { data: recordOf(id, person) } : NOT_FOUND, heard, state)
}

export function judgeFindUser(state: State, { username }: Of<'find_user'>, heard: Heard): Verdict {
  const folded = username.toLowerCase()
  const found = Object.entries(state.people).find(([, one]) => one.username.toLowerCase() === folded)
  if (!found) return expecting(NOT_FOUND, heard, state)
  const { updated_at: _time, public_key: _key, ...record } = recordOf(...found)
  return expecting({ data: record }, heard, state)
}
