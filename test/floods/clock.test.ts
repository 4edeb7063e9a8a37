import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { outcomeOf, problemOf, request } from '../harness/http.js'
import { expectDefined, useRelay } from '../harness/relay.js'
import { tokenFor } from '../harness/tokens.js'
import { withFalseClock } from './false-clock.js'
import { startProcess } from './servers.js'

const HOUR_SECONDS = 3600
/** A start, and a busy machine. */
const ABOUT_SECONDS = 5
const ROUNDS = 10
const NEVER = '0 0 1 1 *'
const EVERY_SECOND = '* * * * * *'
/** And what a server gets wrong that trusts such a clock. */
const FALSE_CLOCKS = [
  { offset: '+1h', seconds: HOUR_SECONDS, trusting: { listsWhatEndsSoon: false, keepsRecords: false } },
  { offset: '-1h', seconds: -HOUR_SECONDS, trusting: { listsWhatEnded: true, confirmsWhatEnded: '200' } },
]

// It purges when it starts and not again.
const relay = useRelay({ PURGE_SCHEDULE: NEVER })

const receipt = z.object({ id: z.string(), created_at: z.string(), expires_at: z.string() })
const page = z.object({ messages: z.array(receipt) })

/** An instance, and the token of somebody for it: tokens are told by an instance's clock. */
interface Instance {
  readonly base: string
  readonly seconds: number
}
const tokenOn = ({ seconds }: Instance, id: string): string =>
  tokenFor(id, { iat: Math.floor(Date.now() / 1000) + seconds })

async function sendOn(instance: Instance, from: string, to: string) {
  const json = { recipient_id: to, ciphertext: 'x' }
  const answer = await request(instance.base, 'POST', '/messages', { json, token: tokenOn(instance, from) })
  return receipt.parse(answer.json)
}

async function listOn(instance: Instance, id: string) {
  const answer = await request(instance.base, 'GET', '/messages?limit=100', { token: tokenOn(instance, id) })
  return page.parse(answer.json).messages
}

/** Moves a message's end, and the end of its record 24 hours later, so far from now. */
async function endAt(id: string, interval: string): Promise<void> {
  await relay.sql(
    `update messages set expires_at = now() + $2::interval, forget_at = now() + $2::interval + interval '24 hours'
      where id = $1`,
    [id, interval],
  )
}

async function exists(id: string): Promise<boolean> {
  return (await relay.sql('select from messages where id = $1', [id])).length === 1
}

/** What becomes of messages near their ends, and of their order, where an instance's clock is wrong. */
async function tryClock(right: Instance, wrong: Instance) {
  const [alice = '', bob = ''] = await relay.database.insertPeople(2)
  const ends = { ending: '30 minutes', ended: '-30 minutes', recorded: '-23.5 hours', due: '-24.5 hours' }
  const ids: Record<string, string> = {}
  for (const [name, end] of Object.entries(ends)) {
    const { id } = await sendOn(right, alice, bob)
    await endAt(id, end)
    ids[name] = id
  }
  const from = Date.now()
  const sent = []
  for (let round = 0; round < ROUNDS; round++)
    for (const instance of [wrong, right]) sent.push(await sendOn(instance, alice, bob))
  const to = Date.now()
  // Its purge comes more than once.
  await sleep(2500)
  const listed = await listOn(wrong, bob)
  const inOrder = listed.map(({ id }) => id).join() === [ids['ending'], ...sent.map(({ id }) => id)].join()
  const falseTimes = sent.filter(
    (one) => Date.parse(one.created_at) < from || Date.parse(one.created_at) > to,
  )
  const confirmEnded = await request(wrong.base, 'PUT', `/messages/${String(ids['ended'])}/delivered`, {
    token: tokenOn(wrong, bob),
  })
  return {
    listsWhatEndsSoon: listed.some(({ id }) => id === ids['ending']),
    listsWhatEnded: listed.some(({ id }) => id === ids['ended']),
    confirmsWhatEnded: outcomeOf(confirmEnded),
    keepsRecords:
      (await exists(expectDefined(ids['recorded']))) && (await exists(expectDefined(ids['ending']))),
    removesWhatIsDue: !(await exists(expectDefined(ids['due']))),
    inOrder,
    falseTimes: falseTimes.length,
  }
}

const RIGHT = {
  listsWhatEndsSoon: true,
  listsWhatEnded: false,
  confirmsWhatEnded: '404 not_found',
  keepsRecords: true,
  removesWhatIsDue: true,
  inOrder: true,
  falseTimes: 0,
}

async function start(offset: string, seconds: number, without?: string) {
  const settings = { PURGE_SCHEDULE: EVERY_SECOND, ...withFalseClock(offset) }
  const { databaseUrl } = relay
  const { child, listening, ended } = await startProcess({
    databaseUrl,
    settings,
    ...(without && { without }),
  })
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { base: await listening, seconds, end }
}

test.for(FALSE_CLOCKS)(
  'an instance whose clock is $offset off removes nothing early, keeps order and times, and says that it is not ready',
  async ({ offset, seconds, trusting }, { task }) => {
    const right = { base: relay.base, seconds: 0 }
    const wrong = await start(offset, seconds)
    const seen = await tryClock(right, wrong)
    const ready = problemOf(await request(wrong.base, 'GET', '/ready'))
    const [, told] = /differs from the database's by (-?\d+) seconds/.exec(ready.detail) ?? []
    const rightReady = (await relay.get('/ready')).status
    // Of two that purge, the other would remove what this one is to be seen with.
    await wrong.end()
    const seenTrusting = await tryClock(right, await start(offset, seconds, 'database-clock'))
    task.meta.figures = {
      ...seen,
      ready: ready.status,
      saysSeconds: Number(told),
      readyBeside: rightReady,
      'where it trusts its own clock': seenTrusting,
    }
    expect(seen).toEqual(RIGHT)
    expect(ready.status).toBe(503)
    expect(Math.abs(Number(told) - HOUR_SECONDS)).toBeLessThan(ABOUT_SECONDS)
    expect(rightReady).toBe(200)
    expect(seenTrusting).toMatchObject({ ...trusting, inOrder: false })
  },
)
