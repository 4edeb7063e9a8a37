import { expect, test } from 'vitest'
import type { MailboxCaps } from '../../server/dist/mailbox/caps.js'
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
  const mailboxes = new Mailboxes({ mailboxMessages: 50 })
  expect(await mailboxes.send(2)).toBe(2)
  mailboxes.now += ADMITS_FOR_MS
  expect(await mailboxes.send(1)).toBe(1)
  expect(mailboxes.counts).toHaveLength(1)
  mailboxes.now += 1
  expect(await mailboxes.send(1)).toBe(1)
  expect(mailboxes.counts).toHaveLength(2)
})

test.each<Partial<MailboxCaps>>([
  { mailboxMessages: 1000 },
  { mailboxBytes: 2000 },
  { mailboxMessages: 10_000, mailboxSenderShare: 10 },
  { mailboxMessages: 1000, mailboxBytes: 1_000_000 },
])('ten instances that send at once overshoot a cap by a tenth at most: %o', async (caps) => {
  const mailboxes = new Mailboxes(caps)
  const instances = [mailboxes.capacity, ...Array.from({ length: 9 }, () => mailboxes.another())]
  let kept = 0
  for (let round = 0; round < 500; round += 1) {
    for (const capacity of instances) {
      const one = draft('alice', 'bob')
      if ((await capacity.refuse([one])).size > 0) continue
      capacity.keep([one])
      kept += 1
      mailboxes.waiting = [['bob', 'alice', kept, 2 * kept]]
    }
  }
  expect(kept).toBeGreaterThanOrEqual(1000)
  expect(kept).toBeLessThanOrEqual(1100)
  // The nearer the cap, the more often; a mailbox with room is no more work than before.
  expect(mailboxes.counts.length).toBeLessThan(1000)
})

test('what is under way is counted in, though the database does not know it yet', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 5 })
  const drafts = Array.from({ length: 4 }, () => draft('alice', 'bob'))
  expect(await mailboxes.capacity.refuse(drafts)).toEqual(new Set())
  mailboxes.now += ADMITS_FOR_MS + 1
  expect(await mailboxes.send(4)).toBe(1)
  expect(mailboxes.counts).toHaveLength(2)
})

test('what a batch may send is not counted anew where others of it are refused', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 50 })
  expect(await mailboxes.send(1)).toBe(1)
  mailboxes.waiting = [['bob', 'alice', 1, 2]]
  mailboxes.now += REFUSES_FOR_MS + 1
  expect(await mailboxes.send(80)).toBe(49)
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
  const mailboxes = new Mailboxes({ mailboxMessages: 50 })
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

test('a batch of which a count fails leaves nothing counted in', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 50 })
  expect(await mailboxes.send(1)).toBe(1)
  mailboxes.waiting = [['bob', 'alice', 1, 2]]
  mailboxes.now += REFUSES_FOR_MS + 1
  mailboxes.failing = true
  await expect(mailboxes.send(60)).rejects.toThrow('the database is away')
  mailboxes.failing = false
  mailboxes.now += ADMITS_FOR_MS + 1
  expect(await mailboxes.send(60)).toBe(49)
})

test('10,000 mailboxes are remembered, and of more those that were counted last', async () => {
  const mailboxes = new Mailboxes({ mailboxMessages: 50 })
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
