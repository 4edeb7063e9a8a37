import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { outcomeOf, problemOf } from '../harness/http.js'
import { useRelay, type Relay, type TestUser } from '../harness/relay.js'

function sendTo(relay: Relay, to: TestUser, from: TestUser, ciphertext = 'x', key: string = randomUUID()) {
  const message = { recipient_id: to.id, ciphertext, client_message_id: key }
  return relay.post('/messages', message, { token: from.token })
}

/** How many of a sender's messages a mailbox takes, one after the other. */
async function fill(relay: Relay, to: TestUser, from: TestUser, ciphertext = 'x'): Promise<number> {
  for (let taken = 0; ; taken += 1) {
    const answer = await sendTo(relay, to, from, ciphertext)
    if (answer.status === 201) continue
    expect(outcomeOf(answer)).toBe('429 mailbox_full')
    return taken
  }
}

describe('a mailbox of 20 messages, a tenth of the free part for a sender', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_REGISTER: 'off', MAILBOX_MAX_MESSAGES: '20' })

  test('takes a tenth from one sender alone, and still one from each other', async () => {
    const [owner, loud, ...others] = await relay.users(5)
    if (!owner || !loud) throw new Error('no users')
    // Alone: S may grow while S < 20 / 10.
    expect(await fill(relay, owner, loud)).toBe(2)
    for (const other of others) expect(outcomeOf(await sendTo(relay, owner, other))).toBe('201')
    const refused = await sendTo(relay, owner, loud)
    expect(problemOf(refused)).toMatchObject({ code: 'mailbox_full', retry_after: 60 })
    expect(refused.headers['retry-after']).toBe('60')
    expect(refused.headers['ratelimit']).toBeUndefined()
  })

  test('counts no repeat, tells a reused id from it, and takes more once the owner has drained it', async () => {
    const [owner, loud] = await relay.users(2)
    if (!owner || !loud) throw new Error('no users')
    const key = randomUUID()
    const first = await sendTo(relay, owner, loud, 'first', key)
    await fill(relay, owner, loud)
    expect((await sendTo(relay, owner, loud, 'first', key)).json).toEqual(first.json)
    expect(outcomeOf(await sendTo(relay, owner, loud, 'other', key))).toBe('409 message_id_reused')
    expect(outcomeOf(await sendTo(relay, owner, loud))).toBe('429 mailbox_full')
    const { messages } = await relay.inbox(owner)
    await relay.post('/messages/delivered', { ids: messages.map(({ id }) => id) }, { token: owner.token })
    expect(outcomeOf(await sendTo(relay, owner, loud))).toBe('201')
  })

  test('does not count what has expired', async () => {
    const [owner, loud] = await relay.users(2)
    if (!owner || !loud) throw new Error('no users')
    await fill(relay, owner, loud)
    await relay.sql('update messages set expires_at = now() where recipient_id = $1', [owner.id])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(outcomeOf(await sendTo(relay, owner, loud))).toBe('201')
  })

  test('is overshot by a tenth at most when many send at once', async () => {
    const [owner, ...senders] = await relay.users(9)
    if (!owner) throw new Error('no users')
    const answers = await Promise.all(
      senders.flatMap((sender) => Array.from({ length: 10 }, () => sendTo(relay, owner, sender))),
    )
    const taken = answers.filter(({ status }) => status === 201).length
    expect(taken).toBeGreaterThanOrEqual(senders.length)
    expect(taken).toBeLessThanOrEqual(22)
    expect(new Set(answers.map(outcomeOf))).toEqual(new Set(['201', '429 mailbox_full']))
  })
})

describe('a mailbox that is nearly full', () => {
  const relay = useRelay({
    LIMITS: 'on',
    LIMIT_REGISTER: 'off',
    MAILBOX_MAX_MESSAGES: '20',
    MAILBOX_SENDER_SHARE: '1',
  })

  test('does not take repeats for new messages', async () => {
    const [owner, loud] = await relay.users(2)
    if (!owner || !loud) throw new Error('no users')
    const key = randomUUID()
    for (let i = 0; i < 30; i += 1)
      expect(outcomeOf(await sendTo(relay, owner, loud, 'same', key))).toBe('201')
    for (let i = 0; i < 19; i += 1) expect(outcomeOf(await sendTo(relay, owner, loud))).toBe('201')
    expect(outcomeOf(await sendTo(relay, owner, loud))).toBe('429 mailbox_full')
  })
})

describe('a full mailbox', () => {
  const relay = useRelay({
    LIMITS: 'on',
    LIMIT_REGISTER: 'off',
    MAILBOX_MAX_MESSAGES: '5',
    MAILBOX_SENDER_SHARE: 'off',
  })

  test('takes nothing from anyone until its owner makes room', async () => {
    const [owner, loud, other] = await relay.users(3)
    if (!owner || !loud || !other) throw new Error('no users')
    expect(await fill(relay, owner, loud)).toBe(5)
    expect(outcomeOf(await sendTo(relay, owner, other))).toBe('429 mailbox_full')
    const [oldest] = (await relay.inbox(owner)).messages
    await relay.confirm(owner, String(oldest?.id))
    expect(outcomeOf(await sendTo(relay, owner, other))).toBe('201')
  })
})

describe('a mailbox of 1,000 bytes', () => {
  const relay = useRelay({ LIMITS: 'on', LIMIT_REGISTER: 'off', MAILBOX_MAX_BYTES: '1000' })

  test('counts bytes of UTF-8', async () => {
    const [owner, loud] = await relay.users(2)
    if (!owner || !loud) throw new Error('no users')
    // 40 characters of three bytes: with one S is 120, beyond a tenth of 1,000.
    expect(await fill(relay, owner, loud, '漢'.repeat(40))).toBe(1)
  })
})
