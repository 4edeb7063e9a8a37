import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DELETE_FORGOTTEN } from '../../server/dist/retention/store.js'
import { TestDatabase } from '../harness/database.js'
import { DatabaseLink } from '../harness/database-link.js'
import { request, type Answer } from '../harness/http.js'
import { REPOSITORY, type TestServer } from '../harness/process.js'
import { startServer } from '../harness/server.js'
import { StatementTap, type Sent } from '../harness/statements.js'
import { openLive } from '../harness/stream.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const RECIPIENTS = 8
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

let database: TestDatabase
let link: DatabaseLink
let servers: TestServer[] = []
let base = ''
let sender = ''
let recipients: string[] = []
const tap = new StatementTap()

beforeAll(async () => {
  database = await TestDatabase.create()
  link = await DatabaseLink.open(database.url, tap)
  const settings = { SECRET_KEY, LIMIT_SEND: 'off', PURGE_SCHEDULE: '0 0 1 1 *' }
  servers = [
    startServer({ ...settings, DATABASE_URL: link.url }),
    // Whom there is news for.
    startServer({ ...settings, DATABASE_URL: database.url }),
  ]
  base = (await Promise.all(servers.map((server) => server.listening)))[0] ?? ''
  ;[sender = '', ...recipients] = await database.insertPeople(RECIPIENTS + 1)
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await link.close()
  await database.drop()
})

function send(to: string, clientMessageId: string = randomUUID()): Promise<Answer> {
  const json = { recipient_id: to, ciphertext: 'c', client_message_id: clientMessageId }
  return request(base, 'POST', '/messages', { json, token: tokenFor(sender) })
}

function confirmAs(owner: string, ids: readonly string[]): Promise<Answer> {
  return request(base, 'POST', '/messages/delivered', { json: { ids }, token: tokenFor(owner) })
}

async function waitingOf(owner: string): Promise<string[]> {
  return (
    await database.sql<{ id: string }>(
      'select id from messages where recipient_id = $1 and delivered_at is null',
      [owner],
    )
  ).map(({ id }) => id)
}

/** Those of the statements' values that are recipients, each once. */
function recipientsIn({ values }: Sent): Set<string> {
  const ids = values.flatMap((value) => value?.toString('latin1').match(UUID) ?? [])
  return new Set(ids.filter((id) => recipients.includes(id)))
}

/** What was sent to the database for something, by the kind of statement: the most recipients that one of it named. */
async function recipientsNamedBy(work: () => Promise<unknown>): Promise<Record<string, number>> {
  tap.take()
  await work()
  const named: Record<string, number> = {}
  for (const sent of tap.take()) {
    // The purge of the server's start comes when it likes.
    if (!/\b(messages|users)\b/.test(sent.text) || sent.name === 'purge') continue
    const kind =
      sent.name.replace(/\d+$/, '*') || (sent.text.includes('ciphertext_hash') ? 'kept' : sent.text)
    named[kind] = Math.max(named[kind] ?? 0, recipientsIn(sent).size)
  }
  return named
}

const [ONE, MANY, ALL] = ['one', 'several', 'every']

describe('statements, as the database gets them', () => {
  test('one send names one mailbox: who has it, what waits in it, the insert', async () => {
    expect(await recipientsNamedBy(() => send(recipients[0] ?? ''))).toEqual({
      'find-accounts': 1,
      'count-waiting': 1,
      'insert-*': 1,
    })
  })

  test('a list and a status name the one mailbox', async () => {
    const [owner = ''] = recipients
    const [id = ''] = await waitingOf(owner)
    const list = () => request(base, 'GET', '/messages', { token: tokenFor(owner) })
    expect(await recipientsNamedBy(list)).toEqual({ list: 1 })
    const status = () =>
      request(base, 'GET', `/messages/${id}/status?recipient_id=${owner}`, { token: tokenFor(sender) })
    expect(await recipientsNamedBy(status)).toEqual({ status: 1 })
  })

  test('a confirmation names the one mailbox', async () => {
    const [owner = ''] = recipients
    const ids = await waitingOf(owner)
    expect(ids.length).toBeGreaterThan(0)
    expect(await recipientsNamedBy(() => confirmAs(owner, ids))).toEqual({ 'confirm-one-mailbox': 1 })
  })

  test('a stream’s readings name its owner’s mailbox alone', async () => {
    const [, owner = ''] = recipients
    const named = await recipientsNamedBy(async () => {
      const stream = await openLive(base, tokenFor(owner))
      await stream.drained()
      await send(owner)
      await stream.until(() => stream.ids.length === 1)
      await send(owner)
      await stream.until(() => stream.ids.length === 2)
      stream.close()
    })
    expect(named).toMatchObject({ 'list-measured': 1, 'list-except': 1 })
  })

  test('lists that come together name as many mailboxes as they read, each once', async () => {
    await Promise.all(recipients.map((to) => send(to)))
    const list = (owner: string) => request(base, 'GET', '/messages', { token: tokenFor(owner) })
    const named = await recipientsNamedBy(async () => {
      for (let round = 0; round < 20; round++) await Promise.all(recipients.map(list))
    })
    expect(named['list-mailboxes']).toBeGreaterThan(1)
  })

  test('sends that come together name as many mailboxes as they have recipients, in one statement', async () => {
    const named = await recipientsNamedBy(async () => {
      for (let round = 0; round < 20; round++) await Promise.all(recipients.map((to) => send(to)))
    })
    expect(named['insert-*']).toBeGreaterThan(1)
    expect(named['insert-*']).toBeLessThanOrEqual(RECIPIENTS)
  })

  test('repeats that come together are looked up in as many mailboxes', async () => {
    const key = randomUUID()
    await Promise.all(recipients.map((to) => send(to, key)))
    const named = await recipientsNamedBy(async () => {
      for (let round = 0; round < 20; round++) await Promise.all(recipients.map((to) => send(to, key)))
    })
    expect(named['kept']).toBeGreaterThan(1)
  })

  test('confirmations that come together name as many mailboxes as they have owners', async () => {
    const waiting = await Promise.all(recipients.map(waitingOf))
    const named = await recipientsNamedBy(async () => {
      const rounds = Math.min(...waiting.map((ids) => ids.length))
      for (let round = 0; round < rounds; round++)
        await Promise.all(recipients.map((owner, at) => confirmAs(owner, [waiting[at]?.[round] ?? ''])))
    })
    expect(named['confirm-mailboxes']).toBeGreaterThan(1)
  })

  test('a wake-up names mailboxes in its text, and no table', async () => {
    const wakes = async (): Promise<Sent[]> => {
      await Promise.all(recipients.map((to) => send(to)))
      return tap.take().filter(({ name }) => name === 'news')
    }
    let news: Sent[] = []
    await expect.poll(async () => (news = await wakes()).length, { timeout: 20_000 }).toBeGreaterThan(0)
    for (const { text } of news) expect(text).not.toMatch(/messages|users/)
    expect(news.some((sent) => recipientsIn(sent).size > 0)).toBe(true)
  })

  test('the purge names no mailbox: it asks for all that is due', () => {
    expect(DELETE_FORGOTTEN).not.toMatch(/\$\d/)
    expect(DELETE_FORGOTTEN).toContain('where forget_at < now()')
  })

  test('docs/scaling.md says of each statement how many shards it touches', () => {
    const page = readFileSync(path.join(REPOSITORY, 'docs/scaling.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([\w*-]+)` \|[^|]*\| (one|several|every|none)\b/gm)]
    expect(Object.fromEntries(rows.map(([, name, shards]) => [name, shards]))).toEqual({
      'find-accounts': 'none',
      'count-waiting': MANY,
      'insert-*': MANY,
      kept: MANY,
      list: ONE,
      'list-measured': ONE,
      'list-mailboxes': MANY,
      'list-except': ONE,
      'confirm-one-mailbox': ONE,
      'confirm-mailboxes': MANY,
      status: ONE,
      news: 'none',
      purge: ALL,
    })
  })
})
