import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import { Correspondence } from '../harness/correspondence.js'
import { spawnServer } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import { startPatroniCluster, type PatroniCluster } from './patroni-cluster.js'
import type { PatroniNode } from './patroni-node.js'

/** From a request's arrival to its answer, and what a busy machine takes. */
const DEADLINE_MS = 12_000 + 3000
const CANCELLED = 20
const UNAVAILABLE = '503 unavailable'

let cluster: PatroniCluster
let base = ''
let alice = ''
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  cluster = await startPatroniCluster()
  undo.push(() => cluster.remove())
  await cluster.findRoles()
  const server = spawnServer({ SECRET_KEY, DATABASE_URL: cluster.url, LIMITS: 'off' })
  undo.push(() => {
    server.child.kill('SIGTERM')
    return server.ended
  })
  base = await server.listening
  const person = { username: 'alice', password: 'a good password', public_key: 'k' }
  alice = String(Object((await request(base, 'POST', '/register', { json: person })).json).id)
})
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

/** The standby reads nothing more of what the leader sends, and neither Patroni hears of it, until either is called. */
async function holdBack(standby: PatroniNode): Promise<{ goOn(): void; forget(): void }> {
  const [receiver] = await standby.sql<{ pid: number }>('select pid from pg_stat_wal_receiver')
  const pid = Number(receiver?.pid)
  process.kill(pid, 'SIGSTOP')
  let held = true
  const release = (...signals: NodeJS.Signals[]): void => {
    if (held) for (const signal of signals) process.kill(pid, signal)
    held = false
  }
  const goOn = (): void => release('SIGCONT')
  // Also of a test that failed: a process that stands still cannot be stopped.
  onTestFinished(goOn)
  // It ends before it looks again: what the leader sent already lies in its socket, and would be kept.
  return { goOn, forget: () => release('SIGTERM', 'SIGCONT') }
}

/** Cuts short every wait for the standby for as long as it is to go on, told how many were. @returns how many */
async function cancelWaits(leader: PatroniNode, goesOn: (cancelled: number) => boolean): Promise<number> {
  let cancelled = 0
  for (; goesOn(cancelled); await sleep(20)) {
    const waits = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`
    cancelled += (await leader.sql(waits)).length
  }
  return cancelled
}

async function cancelling(leader: PatroniNode, work: Promise<Answer>): Promise<string> {
  let over = false
  const [answer, cancelled] = await Promise.all([
    work.finally(() => (over = true)),
    cancelWaits(leader, () => !over),
  ])
  expect(cancelled).toBeGreaterThan(0)
  return outcomeOf(answer)
}

async function lettersOn(node: PatroniNode): Promise<Set<string>> {
  return new Set((await node.sql<{ id: string }>('select id from messages')).map(({ id }) => id))
}

test('a send whose wait for the standby is cancelled is none, nor is its retry until the standby has it', async () => {
  const { leader, standby } = await cluster.findRoles()
  const key = randomUUID()
  const json = { recipient_id: alice, ciphertext: key, client_message_id: key }
  const send = () => request(base, 'POST', '/messages', { json, token: tokenFor(alice) })
  const { goOn } = await holdBack(standby)
  expect(await cancelling(leader, send())).toBe(UNAVAILABLE)
  const [row] = await leader.sql<{ id: string }>('select id from messages where client_message_id = $1', [
    key,
  ])
  expect(row).toBeDefined()
  expect(await cancelling(leader, send())).toBe(UNAVAILABLE)
  goOn()
  const last = await send()
  expect(outcomeOf(last)).toBe('201')
  expect(Object(last.json).id).toBe(row?.id)
})

test('the leader dies under load: the server finds the next by itself, and nothing acknowledged is missing', async () => {
  onTestFailed(() => {
    for (const node of cluster.nodes) console.log(node.complaints().slice(-3000))
  })
  const { leader, standby } = await cluster.findRoles()
  const letters = new Correspondence(base, alice)
  const running = letters.begin()
  await letters.more(100)

  // Letters that the leader alone has, and that die with it.
  const { forget } = await holdBack(standby)
  await cancelWaits(leader, (cancelled) => cancelled < CANCELLED)
  const onStandby = await lettersOn(standby)
  const onLeaderAlone = [...(await lettersOn(leader))].filter((id) => !onStandby.has(id))
  expect(onLeaderAlone).not.toEqual([])
  await leader.kill()
  forget()

  const killedAt = performance.now()
  await letters.more(1)
  const gapMs = performance.now() - killedAt
  await letters.more(100)
  await running.end()

  expect([...letters.outcomes.keys()].toSorted()).toEqual(['200', '201', UNAVAILABLE])
  expect(letters.slowestMs).toBeLessThan(DEADLINE_MS)
  // That one was read before is not enough: it may have been read on the leader that died with it.
  const onNext = await lettersOn(standby)
  expect(onLeaderAlone.filter((id) => !onNext.has(id))).not.toEqual([])
  expect([...letters.acknowledged.values()].filter((id) => !onNext.has(id))).toEqual([])
  const unread = [...letters.acknowledged].filter(([letter, id]) => !letters.read.get(letter)?.has(id))
  expect(unread).toEqual([])
  const twice = await standby.sql(
    'select client_message_id from messages group by sender_id, client_message_id having count(*) > 1',
  )
  expect(twice).toEqual([])
  expect(letters.risen).toEqual([])
  console.log(
    `${letters.acknowledged.size} acknowledged, a gap of ${Math.round(gapMs)} ms,`,
    `the slowest request ${Math.round(letters.slowestMs)} ms,`,
    Object.fromEntries(letters.outcomes),
  )
})
