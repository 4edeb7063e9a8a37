import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { PAGE_BYTES } from '@secure-messenger/api'
import { beforeAll, describe, expect, test } from 'vitest'
import { AccountStore } from '../../server/dist/accounts/store.js'
import { createClient } from '../../server/dist/database/client.js'
import { createPool } from '../../server/dist/database/pool.js'
import { DirectoryStore } from '../../server/dist/directory/store.js'
import { createLog } from '../../server/dist/log.js'
import { PageStore } from '../../server/dist/mailbox/page-store.js'
import { MailboxStore } from '../../server/dist/mailbox/store.js'
import { purge } from '../../server/dist/retention/purge.js'
import { deleteForgotten } from '../../server/dist/retention/store.js'
import { explaining, type Plan } from '../harness/plans.js'
import { expectDefined, useRelay } from '../harness/relay.js'
import { BUSY, draftsFor, range, seedCrowd, userId } from './crowd.js'

const LIFE_SECONDS = 604_800
/** Users at first, and in the end; each has ten messages. */
const SIZES = [2000, 20_000]
/** A row has four indexes, or is joined to another. */
const LOOKUPS_PER_ROW = 4

/** How many rows each statement is after, and how many pages of 8 KiB it may touch whatever the tables' size. */
const STATEMENTS = [
  ['a send', 1, 60],
  ['64 sends', 64, 1500],
  ['who of 64 has an account', 64, 250],
  ['64 that were kept before', 64, 350],
  ['a list of 50', 51, 400],
  ['a list of 50 where thousands were delivered', 51, 400],
  ['a list of 50 that is measured', 51, 400],
  ['a list beyond what was told', 51, 700],
  ['lists of 50 in 8 mailboxes', 408, 2000],
  ['a confirmation', 1, 40],
  ['100 confirmations in one mailbox', 100, 2500],
  ['100 confirmations in one where thousands were delivered', 100, 2500],
  ['confirmations in 64 mailboxes', 64, 2000],
  ['what waits in 64 mailboxes', 64 * 5, 1000],
  ['a status', 1, 10],
  ['a key', 1, 10],
  ['64 keys', 64, 640],
  ['a user', 1, 10],
  ['64 logins', 64, 500],
  ['a batch of the purge', 500, 5000],
] as const
type Name = (typeof STATEMENTS)[number][0]
type Operations = Record<Name, () => Promise<unknown>>

/** What the server's own stores do, on a pool that is watched; what prepares it is not. */
function operationsOn(pool: Pool, unwatched: Pool, databaseUrl: string): Operations {
  const [store, ahead] = [new MailboxStore(pool, LIFE_SECONDS), new MailboxStore(unwatched, LIFE_SECONDS)]
  const [pages, pagesAhead] = [new PageStore(pool), new PageStore(unwatched)]
  const prisma = createClient(pool)
  const [directory, accounts] = [new DirectoryStore(prisma, pool), new AccountStore(prisma)]
  const of = (recipientId: string, limit = 50) => ({
    recipientId,
    limit,
    after: undefined,
    maxBytes: PAGE_BYTES,
  })
  const waiting = async (owner: string, limit: number): Promise<string[]> =>
    (await pagesAhead.read(of(owner, limit))).messages.map(({ id }) => id)
  const list = async (owner: string): Promise<unknown> => {
    await ahead.insert(draftsFor(60, owner))
    return pages.readEach([of(owner)])
  }
  const confirmAll = async (owner: string): Promise<unknown> => {
    await ahead.insert(draftsFor(100, owner))
    const ids = await waiting(owner, 100)
    expect(ids).toHaveLength(100)
    return store.confirm(Array<string>(100).fill(owner), ids.toSorted())
  }
  return {
    'a send': () => store.insert(draftsFor(1)),
    '64 sends': () => store.insert(draftsFor(64)),
    'who of 64 has an account': () => store.findAccounts(range(64).map(userId)),
    '64 that were kept before': async () => {
      const drafts = draftsFor(64)
      await ahead.insert(drafts)
      expect(await store.findKept(drafts)).toHaveLength(64)
    },
    'a list of 50': () => list(userId(1)),
    'a list of 50 where thousands were delivered': () => list(BUSY),
    'a list of 50 that is measured': async () => {
      await ahead.insert(draftsFor(60, userId(9)))
      return pages.read(of(userId(9)))
    },
    'a list beyond what was told': async () => {
      await ahead.insert(draftsFor(100, userId(8)))
      await ahead.insert(draftsFor(60, userId(8)))
      const except = await waiting(userId(8), 100)
      const page = await pages.read(of(userId(8)), except)
      expect(page.messages.filter(({ id }) => except.includes(id))).toEqual([])
      return page
    },
    'lists of 50 in 8 mailboxes': async () => {
      const owners = range(8, 500).map(userId)
      for (const owner of owners) await ahead.insert(draftsFor(60, owner))
      const each = await pages.readEach(owners.map((owner) => of(owner)))
      expect(each.map(({ messages, more }) => [messages.length, more])).toEqual(owners.map(() => [50, true]))
    },
    'a confirmation': async () => store.confirm([userId(2)], await waiting(userId(2), 1)),
    '100 confirmations in one mailbox': () => confirmAll(userId(3)),
    '100 confirmations in one where thousands were delivered': () => confirmAll(BUSY),
    'confirmations in 64 mailboxes': async () => {
      const owners = range(64, 200).map(userId).toSorted()
      const ids = await Promise.all(owners.map(async (owner) => expectDefined((await waiting(owner, 1))[0])))
      expect(await store.confirm(owners, ids)).toHaveLength(64)
    },
    'what waits in 64 mailboxes': () => store.countWaiting(range(64, 300).map(userId)),
    'a status': () => store.findStatus(userId(1), userId(2), randomUUID()),
    'a key': () => directory.findKeys([userId(7)]),
    '64 keys': () => directory.findKeys(range(64).map(userId)),
    'a user': () => directory.findUser('seed7'),
    '64 logins': async () => {
      const names = range(64).map((number) => `seed${number}`)
      expect(await accounts.findLogins(names)).toHaveProperty('size', 64)
    },
    'a batch of the purge': () => {
      const stop = new AbortController()
      const observer = { purged: () => stop.abort(), finished: () => undefined }
      const connection = { connectionString: databaseUrl }
      const log = createLog('silent')
      return purge({ deleteForgotten: () => deleteForgotten(pool), connection, observer, log }, stop.signal)
    },
  }
}

/** The plan of each operation's statement; of several, its last. */
async function measure(databaseUrl: string): Promise<Map<string, Plan>> {
  const plans = new Map<string, Plan>()
  const pool = createPool({ connectionString: databaseUrl }, 2, createLog('silent'))
  let told: Plan[] = []
  const watched = explaining(pool, (plan) => told.push(plan))
  const operations = operationsOn(watched, pool, databaseUrl)
  for (const [name] of STATEMENTS) {
    told = []
    await operations[name]()
    plans.set(name, expectDefined(told.at(-1)))
  }
  await pool.end()
  return plans
}

describe('the hot statements, at two sizes of the tables', () => {
  const relay = useRelay({ PURGE_SCHEDULE: '0 0 1 1 *' })
  const measured: Map<string, Plan>[] = []

  beforeAll(async () => {
    let seeded = 0
    for (const size of SIZES) {
      await seedCrowd(relay, seeded + 1, size)
      seeded = size
      measured.push(await measure(relay.databaseUrl))
    }
  }, 180_000)

  test.each(STATEMENTS)('%s: %i rows in at most %i pages, by keys alone', (name, _rows, pages) => {
    for (const plans of measured) {
      const plan = expectDefined(plans.get(name))
      // A table of one row has no other way.
      expect(plan.nodes.filter((node) => /^Seq Scan (?!epoch)/.test(node))).toEqual([])
      expect(plan.pages).toBeLessThanOrEqual(pages)
    }
  })

  // An index may be a level deeper, for each look-up in it.
  test.each(STATEMENTS)('%s: ten times the table costs no more than deeper indexes', (name, rows) => {
    const [before, after] = measured.map((plans) => expectDefined(plans.get(name)).pages)
    expect(Number(after) - Number(before)).toBeLessThanOrEqual(20 + rows * LOOKUPS_PER_ROW)
  })
})
