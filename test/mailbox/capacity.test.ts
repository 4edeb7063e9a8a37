import { expect, test } from 'vitest'
import type { MailboxCaps } from '../../server/dist/mailbox/capacity.js'
import { draft, Mailboxes } from './counted-mailboxes.js'

const ADMITS_FOR_MS = 1000
const REFUSES_FOR_MS = 200

test('without caps nothing is counted', async () => {
  const mailboxes = new Mailboxes({ mailboxSenderShare: 10 })
  expect(await mailboxes.send(100)).toBe(100)
  expect(mailboxes.counts).toEqual([])
})

test.each<Partial<MailboxCaps>>([{ mailboxMessages: 5 }, { mailboxBytes: 10 }])(
  'a mailbox takes as much as its cap says: %o',
  async (caps) => {
    const mailboxes = new Mailboxes(caps)
    expect(await mailboxes.send(8)).toBe(5)
    expect(await mailboxes.send(1)).toBe(0)
    expect(await mailboxes.send(8, 'alice', 'carol')).toBe(5)
  },
)

test('what waits already counts, of all senders together', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.waiting = [
    ['bob', 'alice', 1, 2],
    ['bob', 'dave', 2, 4],
  ]
  expect(await mailboxes.send(8)).toBe(2)
})

test('a sender gets a part of what the others leave free, and at least one message', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 20, mailboxSenderShare: 4 })
  mailboxes.waiting = [['bob', 'dave', 8, 16]]
  // (20 - 8) / 4
  expect(await mailboxes.send(8)).toBe(3)
  mailboxes.waiting = [['carol', 'dave', 19, 38]]
  expect(await mailboxes.send(2, 'alice', 'carol')).toBe(1)
})

test('a count admits for a second, kept up by what is sent meanwhile', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  expect(await mailboxes.send(2)).toBe(2)
  mailboxes.now += ADMITS_FOR_MS
  expect(await mailboxes.send(1)).toBe(1)
  expect(mailboxes.counts).toHaveLength(1)
  mailboxes.now += 1
  expect(await mailboxes.send(1)).toBe(1)
  expect(mailboxes.counts).toHaveLength(2)
})

test('a count refuses for a fifth of a second: the owner may have made room', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.waiting = [['bob', 'alice', 5, 10]]
  expect(await mailboxes.send(1)).toBe(0)
  mailboxes.waiting = []
  mailboxes.now += REFUSES_FOR_MS
  expect(await mailboxes.send(1)).toBe(0)
  expect(mailboxes.counts).toHaveLength(1)
  mailboxes.now += 1
  expect(await mailboxes.send(1)).toBe(1)
  expect(mailboxes.counts).toHaveLength(2)
})

test('each mailbox of a batch is counted once, and only those of which nothing is known', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  await mailboxes.send(2)
  await mailboxes.capacity.refuse([draft('alice', 'bob'), draft('a', 'carol'), draft('b', 'carol')])
  expect(mailboxes.counts).toEqual([['bob'], ['carol']])
})

test('a mailbox that was drained is counted again', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  expect(await mailboxes.send(6)).toBe(5)
  mailboxes.capacity.forget('bob')
  expect(await mailboxes.send(6)).toBe(5)
})

test('a count during which a mailbox was drained is from before, and refuses nobody', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.waiting = [['bob', 'alice', 5, 10]]
  mailboxes.meanwhile = () => mailboxes.capacity.forget('bob')
  expect(await mailboxes.send(1)).toBe(1)
  mailboxes.meanwhile = () => undefined
  mailboxes.waiting = []
  expect(await mailboxes.send(6)).toBe(5)
  expect(mailboxes.counts).toHaveLength(2)
})

test('what was drained during one count says nothing of the next', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.meanwhile = () => mailboxes.capacity.forget('bob')
  await mailboxes.send(1)
  mailboxes.meanwhile = () => undefined
  mailboxes.waiting = [['bob', 'alice', 5, 10]]
  expect(await mailboxes.send(1)).toBe(0)
})

test('what was counted in and not kept is taken back', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5, mailboxBytes: 100, mailboxSenderShare: 1 })
  const drafts = Array.from({ length: 5 }, () => draft('alice', 'bob', 'y'.repeat(20)))
  expect(await mailboxes.capacity.refuse(drafts)).toEqual(new Set())
  expect(await mailboxes.send(1, 'dave')).toBe(0)
  mailboxes.capacity.giveBack(drafts.slice(0, 3))
  expect(await mailboxes.send(5, 'dave', 'bob', 'y'.repeat(20))).toBe(3)
})

test('what is taken back of a mailbox that is no longer known changes nothing', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.capacity.giveBack([draft('alice', 'bob')])
  expect(await mailboxes.send(6)).toBe(5)
})

test('a count that fails is told, and the next is taken', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  mailboxes.failing = true
  await expect(mailboxes.send(1)).rejects.toThrow('the database is away')
  mailboxes.failing = false
  expect(await mailboxes.send(6)).toBe(5)
})

test('10,000 mailboxes are remembered, and of more those that were counted last', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  const drafts = Array.from({ length: 10_000 }, (_, at) => draft('alice', `${at}`))
  await mailboxes.capacity.refuse(drafts)
  await mailboxes.send(1, 'alice', '0')
  expect(mailboxes.counts).toHaveLength(1)
  await mailboxes.send(1, 'alice', 'another')
  await mailboxes.send(1, 'alice', '1')
  await mailboxes.send(1, 'alice', 'another')
  expect(mailboxes.counts).toHaveLength(2)
  await mailboxes.send(1, 'alice', '0')
  expect(mailboxes.counts.at(-1)).toEqual(['0'])
})
