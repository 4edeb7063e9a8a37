import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Door, Heard } from './calls.js'
import type { Told, World } from './world.js'

const LIFE_MINUTES = 7 * 24 * 60
const PAGE = 2

const receipt = z.object({ id: z.string() })
const pageHeard = z.object({
  data: z.object({
    messages: z.array(z.object({ id: z.string(), sender_id: z.string(), ciphertext: z.string() })),
    more: z.boolean(),
  }),
})
type Listed = z.infer<typeof pageHeard>['data']['messages'][number]
const keyHeard = z.object({ data: z.object({ key_version: z.int(), public_key: z.string() }) })

interface Acknowledged extends Listed {
  readonly to: string
  readonly clientMessageId: string | undefined
  /** When the first of its sends began, and when the first of them was answered. */
  readonly began: number
  readonly ended: number
  readonly minute: number
}

/** What was acknowledged, each message once, as its first receipt told of it. */
function acknowledgedIn(told: readonly Told[]): Acknowledged[] {
  const found = new Map<string, Acknowledged>()
  for (const { call, heard, began, ended, minute } of told) {
    if (call.kind !== 'send' || !('data' in heard)) continue
    const { id } = receipt.parse(heard.data)
    const { by: sender_id, ciphertext } = call
    const to = call.to.toLowerCase()
    const clientMessageId = call.clientMessageId?.toLowerCase()
    const known = found.get(id) ?? { id, sender_id, ciphertext, to, clientMessageId, began, ended, minute }
    found.set(id, { ...known, began: Math.min(known.began, began), ended: Math.min(known.ended, ended) })
  }
  return [...found.values()]
}

function confirmedIn(told: readonly Told[]): Set<string> {
  return new Set(
    told.flatMap(({ call, heard }) => {
      if (!('data' in heard)) return []
      if (call.kind === 'confirm') return [call.id.toLowerCase()]
      return call.kind === 'confirm_many'
        ? z.object({ delivered: z.array(z.string()) }).parse(heard.data).delivered
        : []
    }),
  )
}

function demand(holds: boolean, guarantee: string, seen: unknown): void {
  if (!holds) throw new Error(`${guarantee}: ${JSON.stringify(seen)}`)
}

async function readMailbox(world: World, by: string, door: Door): Promise<Listed[]> {
  const listed: Listed[] = []
  for (let more = true; more;) {
    const heard = await world.ask(door, { kind: 'list', by, limit: PAGE, after: listed.at(-1)?.id })
    const { data } = pageHeard.parse(heard)
    listed.push(...data.messages)
    more = data.more
  }
  return listed
}

function checkMailbox(listed: readonly Listed[], due: readonly Acknowledged[]): void {
  const content = ({ id, sender_id, ciphertext }: Listed): string =>
    JSON.stringify([id, sender_id, ciphertext])
  const wanted = due.map(content).toSorted()
  const found = listed.map(content).toSorted()
  demand(
    isDeepStrictEqual(found, wanted),
    'what was acknowledged, not confirmed and not expired is listed exactly once, and nothing else',
    { found, wanted },
  )
  const place = new Map(listed.map(({ id }, at) => [id, at]))
  const outOfOrder = due.flatMap((a) =>
    due.filter(
      (b) =>
        a.sender_id === b.sender_id && a.ended < b.began && (place.get(a.id) ?? 0) > (place.get(b.id) ?? 0),
    ),
  )
  demand(outOfOrder.length === 0, "one sender's sequential sends are listed in order", outOfOrder)
  const keys = due.flatMap((one) => (one.clientMessageId ? [`${one.sender_id} ${one.clientMessageId}`] : []))
  demand(new Set(keys).size === keys.length, 'no second message waits under one client_message_id', keys)
}

/** The version after all updates: one more for each change that an update's answer told of. */
async function checkKey(world: World, owner: string): Promise<void> {
  const versions = world.told.flatMap(({ call, heard }) =>
    call.kind === 'update_key' && call.by === owner ? [keyHeard.parse(heard).data] : [],
  )
  const last = versions.toSorted((a, b) => a.key_version - b.key_version).at(-1)
  const read: Heard[] = []
  for (const [at, { id: by }] of world.members.entries())
    for (const door of ['rest', 'rpc'] as const)
      read.push(await world.ask(door, { kind: 'get_key', by, of: owner }, at))
  demand(
    read.every((heard) => isDeepStrictEqual(heard, read[0])),
    'every reader sees the same key',
    read,
  )
  const seen = keyHeard.parse(read[0]).data
  demand(
    last === undefined ? seen.key_version === 1 : isDeepStrictEqual(seen, last),
    'every reader after an acknowledged key update sees the new version',
    { seen, last },
  )
}

/** What must hold after a run whatever the model believes: from what was asked and heard, and what is read now. */
export async function checkInvariants(world: World): Promise<void> {
  const confirmed = confirmedIn(world.told)
  const waiting = acknowledgedIn(world.told).filter(
    ({ id, minute }) => !confirmed.has(id) && world.minute - minute < LIFE_MINUTES,
  )
  for (const { id } of world.members) {
    const [overRest, overRpc] = [await readMailbox(world, id, 'rest'), await readMailbox(world, id, 'rpc')]
    demand(isDeepStrictEqual(overRest, overRpc), 'both doors list the same', { overRest, overRpc })
    checkMailbox(
      overRest,
      waiting.filter(({ to }) => to === id),
    )
    await checkKey(world, id)
  }
}
