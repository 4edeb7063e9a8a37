import fc from 'fast-check'
import type { Door } from './calls.js'

/** Which of the people: the third of three may well be the first again. */
type Who = number
/** The message that belongs to the call (`0`: the last that was sent, counted around), or one that nobody ever sent. */
export type Which = number | 'unknown'

/** What is to be asked, before it is known which ids there will be: fast-check makes it, and makes it smaller. */
export type Step = {
  readonly door: Door
  /** Which of the instances. */
  readonly instance: number
  /** Ids and names are sent in capitals. */
  readonly shouts: boolean
} & (
  | {
      readonly kind: 'send'
      readonly by: Who
      readonly to: Who | 'nobody'
      readonly clientMessageId: number | undefined
      readonly ciphertext: string
    }
  | {
      readonly kind: 'list'
      readonly by: Who
      readonly limit: number | undefined
      readonly after: Which | undefined
    }
  | { readonly kind: 'confirm'; readonly by: Who | 'recipient'; readonly which: Which }
  | { readonly kind: 'confirm_many'; readonly by: Who | 'recipient'; readonly which: readonly Which[] }
  | { readonly kind: 'status'; readonly by: Who | 'sender'; readonly which: Which }
  | { readonly kind: 'get_key'; readonly by: Who; readonly of: Who | 'nobody' }
  | { readonly kind: 'update_key'; readonly by: Who; readonly publicKey: string }
  | { readonly kind: 'find_user'; readonly by: Who; readonly of: Who | 'nobody' }
  | { readonly kind: 'purge' }
)

export const PEOPLE = 3
const INSTANCES = 2

const who = fc.nat(PEOPLE - 1)
const whoOrNobody = fc.oneof(
  { weight: 9, arbitrary: who },
  { weight: 1, arbitrary: fc.constant('nobody' as const) },
)
const which = fc.oneof(
  { weight: 9, arbitrary: fc.nat(7) },
  { weight: 1, arbitrary: fc.constant('unknown' as const) },
)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const mostly = <T extends string>(role: T) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(role) }, { weight: 1, arbitrary: who })

// Few texts and few keys: repeats are what is to be tried. And texts that are hard to keep as they are.
const few = fc.constantFrom('a', 'b')
const text = fc.oneof(
  { weight: 4, arbitrary: few },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
)
const printable = fc.oneof(
  { weight: 4, arbitrary: few },
  { weight: 1, arbitrary: fc.base64String({ minLength: 4 }) },
)

const way = {
  door: fc.constantFrom<Door[]>('rest', 'rpc'),
  instance: fc.nat(INSTANCES - 1),
  shouts: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
}
const kind = <K extends string>(name: K) => fc.constant(name)

const send = fc.record({
  ...way,
  kind: kind('send'),
  by: who,
  to: whoOrNobody,
  clientMessageId: optional(fc.nat(2)),
  ciphertext: text,
})
const list = fc.record({
  ...way,
  kind: kind('list'),
  by: who,
  limit: optional(fc.integer({ min: 1, max: 4 })),
  after: fc.option(which, { nil: undefined, freq: 2 }),
})
const confirm = fc.record({ ...way, kind: kind('confirm'), by: mostly('recipient'), which })
const confirmMany = fc.record({
  ...way,
  kind: kind('confirm_many'),
  by: mostly('recipient'),
  which: fc.array(which, { minLength: 1, maxLength: 6 }),
})
const status = fc.record({ ...way, kind: kind('status'), by: mostly('sender'), which })
const getKey = fc.record({ ...way, kind: kind('get_key'), by: who, of: whoOrNobody })
const updateKey = fc.record({ ...way, kind: kind('update_key'), by: who, publicKey: printable })
const findUser = fc.record({ ...way, kind: kind('find_user'), by: who, of: whoOrNobody })
const purge: fc.Arbitrary<Step> = fc.record({ ...way, kind: kind('purge') })

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: send },
  { weight: 4, arbitrary: list },
  { weight: 3, arbitrary: confirm },
  { weight: 2, arbitrary: confirmMany },
  { weight: 2, arbitrary: status },
  { weight: 2, arbitrary: getKey },
  { weight: 2, arbitrary: updateKey },
  { weight: 1, arbitrary: findUser },
  { weight: 1, arbitrary: purge },
)

/** Sends of one person to another under one client_message_id, and what would tell of a second message. */
export const underOneKey = (by: Who, to: Who): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 5, arbitrary: send.map((one) => ({ ...one, by, to, clientMessageId: 0 })) },
    { weight: 1, arbitrary: list.map((one) => ({ ...one, by: to })) },
    { weight: 1, arbitrary: purge },
  )
const reading: fc.Arbitrary<Step> = fc.oneof(confirm, confirmMany, status, list, purge)
/** Messages that come and are read at the same time. */
export const delivering: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: send },
  { weight: 3, arbitrary: reading },
)
const aboutKeys: fc.Arbitrary<Step> = fc.oneof(updateKey, getKey, findUser)
/** One person's key, changed and read. */
export const aboutKeyOf = (owner: Who): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 2, arbitrary: updateKey.map((one) => ({ ...one, by: owner })) },
    { weight: 3, arbitrary: getKey.map((one) => ({ ...one, of: owner })) },
    { weight: 1, arbitrary: findUser.map((one) => ({ ...one, of: owner })) },
  )

/**
 * Hours that pass. A few minutes more lie between every sum of them and the relay's limits, which are whole days: no
 * run lasts so long that what is due could depend on it.
 */
export const minutesPassing = fc
  .constantFrom(1, 23, 24, 25, 120, 167, 168, 192)
  .map((hours) => hours * 60 + 7)

const LARGEST_CROWD = 6
const crowdOf = (arbitrary: fc.Arbitrary<Step>) =>
  fc.array(arbitrary, { minLength: 1, maxLength: LARGEST_CROWD })

/** Calls at once: of every kind, or such as meet in one row. */
export const crowd: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 2, arbitrary: crowdOf(step) },
  { weight: 1, arbitrary: fc.tuple(who, who).chain(([by, to]) => crowdOf(underOneKey(by, to))) },
  { weight: 1, arbitrary: crowdOf(reading) },
  { weight: 1, arbitrary: crowdOf(aboutKeys) },
)
