import { expect, test } from 'vitest'
import { problemOf } from '../harness/http.js'
import { expectDefined, useRelay } from '../harness/relay.js'
import { startServer } from './servers.js'
import { LETTERS, Siege, type Cast } from './siege.js'

const HOSTILE = 50
const MIB = 1_048_576

const relay = useRelay()

interface Cap {
  readonly cap: string
  readonly settings: Record<string, string>
  readonly ciphertext: string
}
const CAPS: Cap[] = [
  { cap: '500 messages', settings: { MAILBOX_MAX_MESSAGES: '500' }, ciphertext: 'x' },
  { cap: '4 MiB', settings: { MAILBOX_MAX_BYTES: String(4 * MIB) }, ciphertext: 'x'.repeat(16_384) },
]

async function besiege({ settings, ciphertext }: Cap, also: Record<string, string> = {}) {
  const base = await startServer({
    databaseUrl: relay.databaseUrl,
    settings: { LIMITS: 'on', ...settings, ...also },
  })
  const [owner, honest, neighbour, ...hostile] = await relay.database.insertPeople(3 + HOSTILE)
  const cast: Cast = {
    owner: expectDefined(owner),
    honest: expectDefined(honest),
    neighbour: expectDefined(neighbour),
    hostile,
  }
  const siege = new Siege(base, cast, ciphertext)
  return { cast, siege, hostileRefused: await siege.fill() }
}

test.for(CAPS)(
  'a mailbox of $cap that 50 hostile accounts fill still takes an honest letter; others are untouched, and once it is drained all may send',
  async (cap, { task }) => {
    const { cast, siege, hostileRefused } = await besiege(cap)
    const filled = siege.taken.size
    const letters = await siege.sayHonestly()
    const toNeighbour = await siege.sendAll(cast.neighbour)
    const taken = [...siege.taken]
    const drained = await siege.drain()
    const afterwards = await siege.sendAll(cast.owner)

    const unguarded = await besiege(cap, { MAILBOX_SENDER_SHARE: 'off' })
    const unguardedLetters = await unguarded.siege.sayHonestly()
    const { hostileRefused: refusedWithoutCaps } = await besiege(cap, { LIMITS: 'off' })

    task.meta.figures = {
      hostile: HOSTILE,
      hostileRefused,
      refusals: siege.refusals.length,
      takenFromThem: filled,
      honestLetters: letters,
      drained: drained.length,
      acceptedAfterwards: afterwards.filter((outcome) => outcome === '201').length,
      'honest letters, without the share of a sender': unguardedLetters,
      'hostile accounts refused, without the caps': refusedWithoutCaps,
    }
    expect(hostileRefused).toBe(HOSTILE)
    for (const refusal of siege.refusals) {
      expect(problemOf(refusal)).toMatchObject({ status: 429, code: 'mailbox_full', retry_after: 60 })
      expect(refusal.headers['retry-after']).toBe('60')
    }
    expect(letters).toEqual(Array.from({ length: LETTERS }, () => '201'))
    expect(new Set(toNeighbour)).toEqual(new Set(['201']))
    expect(drained.toSorted()).toEqual(taken.toSorted())
    expect(new Set(afterwards)).toEqual(new Set(['201']))
    expect(new Set(unguardedLetters)).toEqual(new Set(['429 mailbox_full']))
    expect(refusedWithoutCaps).toBe(0)
  },
)
