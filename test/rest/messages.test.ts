import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { namedFields, outcomeOf, problemOf } from '../harness/http.js'
import { expectDefined, tokenFor, useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
let alice: TestUser
let bob: TestUser
let carol: TestUser

beforeAll(async () => {
  alice = await relay.user()
  bob = await relay.user()
  carol = await relay.user()
})

/** Confirms all that waits, so that a test begins with an empty mailbox. */
async function drain(of: TestUser): Promise<void> {
  for (;;) {
    const { messages } = await relay.inbox(of, '?limit=100')
    if (messages.length === 0) return
    await relay.post('/messages/delivered', { ids: messages.map(({ id }) => id) }, { token: of.token })
  }
}

function send(json: unknown, token = alice.token) {
  return relay.post('/messages', json, { token })
}

describe('POST /messages', () => {
  test('keeps the message for a week under a version 7 id that sorts by time', async () => {
    const answer = await send({ recipient_id: bob.id.toUpperCase(), ciphertext: 'x' })
    expect(answer.status).toBe(201)
    expect(answer.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      recipient_id: bob.id,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      expires_at: expect.any(String),
    })
    const { created_at, expires_at } = expectDefined((await relay.inbox(bob)).messages.at(-1))
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(7 * 86_400_000)
  })

  test.each([
    ['plain text', 'Grüße, 漢字, العربية, e\u0301 vs \u00e9, \u200b\u200d\ufeff'],
    ['controls', '\u0001\u0002\t\u000b\u001b[31m\u007f\u009f\r\n'],
    ['a byte order mark first', '\ufeffx'],
    ['only a space', ' '],
    ['what looks like bytea', '\\xdeadbeef'],
    ['JSON', '{"a":1,"__proto__":2}'],
    ['SQL', `'; drop table messages; --`],
    ['noncharacters', '\ufffe\uffff\ufffd'],
    ['65,536 characters of three bytes', '漢'.repeat(65_536)],
    ['65,536 emoji, 131,072 UTF-16 units', '😀'.repeat(65_536)],
  ])('hands out what it took, byte for byte: %s', async (_name, ciphertext) => {
    await drain(bob)
    const id = await relay.send(alice, bob, ciphertext)
    const { messages } = await relay.inbox(bob)
    expect(messages.length).toBe(1)
    expect(messages[0]?.id).toBe(id)
    expect(messages[0]?.sender_id).toBe(alice.id)
    expect(messages[0]?.ciphertext === ciphertext).toBe(true)
  })

  test.each([
    ['65,537 characters', { ciphertext: 'x'.repeat(65_537) }, 'ciphertext'],
    ['a number', { ciphertext: 5 }, 'ciphertext'],
    ['a null client_message_id', { client_message_id: null }, 'client_message_id'],
    ['a client_message_id that is no UUID', { client_message_id: '1' }, 'client_message_id'],
    ['a sender of its own choosing', { sender_id: randomUUID() }, 'sender_id'],
  ])('refuses %s with 422', async (_name, over, field) => {
    const answer = await send({ recipient_id: bob.id, ciphertext: 'x', ...over })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toEqual([field])
  })

  test.each([
    ['ciphertext', 'must have 1 to 65536 characters', ''],
    ['ciphertext', 'must not contain a lone surrogate', '\ud800'],
    ['ciphertext', 'must not contain NUL', 'a\0b'],
    ['recipient_id', 'must be a UUID', '999999'],
  ])('refuses with 422 a %s that breaks its rule, and says that it %s', async (field, message, value) => {
    const answer = await send({ recipient_id: bob.id, ciphertext: 'x', [field]: value })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(problemOf(answer).errors).toEqual([{ path: field, message }])
  })

  test('is 404 for an unknown recipient, and 401 for a sender that is gone', async () => {
    expect(outcomeOf(await send({ recipient_id: randomUUID(), ciphertext: 'x' }))).toBe('404 not_found')
    const gone = tokenFor(randomUUID())
    expect(outcomeOf(await send({ recipient_id: bob.id, ciphertext: 'x' }, gone))).toBe(
      '401 not_authenticated',
    )
  })

  test('to or from an account that vanished after it was seen is 404 or 401, and no neighbour fails', async () => {
    const [leaver, sender] = [await relay.user(), await relay.user()]
    const from = (one: TestUser, to: TestUser) => send({ recipient_id: to.id, ciphertext: 'x' }, one.token)
    expect(outcomeOf(await from(sender, leaver))).toBe('201')
    await relay.sql('delete from messages where recipient_id = $1', [leaver.id])
    await relay.sql('delete from public_keys where user_id = $1', [leaver.id])
    await relay.sql('delete from users where id = $1', [leaver.id])
    const answers = await Promise.all([from(sender, leaver), from(leaver, sender), from(alice, sender)])
    expect(answers.map(outcomeOf)).toEqual(['404 not_found', '401 not_authenticated', '201'])
  })

  test('without a client_message_id gets one from the server, in order of time', async () => {
    const [sender, reader] = [await relay.user(), await relay.user()]
    for (let i = 0; i < 5; i += 1) await send({ recipient_id: reader.id, ciphertext: `${i}` }, sender.token)
    const rows = await relay.sql<{ key: string }>(
      'select client_message_id::text as key from messages where recipient_id = $1 order by id',
      [reader.id],
    )
    const keys = rows.map(({ key }) => key)
    expect(keys).toEqual(Array(5).fill(expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)))
    expect(keys.toSorted()).toEqual(keys)
  })

  test('goes to oneself, too', async () => {
    const id = await relay.send(carol, carol, 'a note')
    expect((await relay.inbox(carol)).messages.map((message) => message.id)).toContain(id)
  })

  test('of one sender, in sequence, is listed in that order', async () => {
    await drain(bob)
    const ids: string[] = []
    for (let i = 0; i < 30; i += 1) ids.push(await relay.send(alice, bob, `n${i}`))
    expect((await relay.inbox(bob)).messages.map(({ id }) => id)).toEqual(ids)
    expect(ids.toSorted()).toEqual(ids)
  })
})

describe('client_message_id', () => {
  test('makes a retry answer with the first message, also after its delivery', async () => {
    await drain(bob)
    const key = randomUUID()
    const message = { recipient_id: bob.id, ciphertext: 'once', client_message_id: key }
    const first = await send(message)
    const again = await send({ ...message, client_message_id: key.toUpperCase() })
    expect(again.status).toBe(201)
    expect(again.json).toEqual(first.json)
    const { messages } = await relay.inbox(bob)
    expect(messages.length).toBe(1)
    await relay.confirm(bob, expectDefined(messages[0]).id)
    expect((await send(message)).json).toEqual(first.json)
    expect((await relay.inbox(bob)).messages).toEqual([])
  })

  test('refuses other content with 409, also after delivery, and keeps the first', async () => {
    await drain(bob)
    const key = randomUUID()
    const id = await relay.send(alice, bob, 'first', key)
    const other = { recipient_id: bob.id, ciphertext: 'other', client_message_id: key }
    expect(outcomeOf(await send(other))).toBe('409 message_id_reused')
    expect((await relay.inbox(bob)).messages.map(({ ciphertext }) => ciphertext)).toEqual(['first'])
    await relay.confirm(bob, id)
    expect(outcomeOf(await send(other))).toBe('409 message_id_reused')
  })

  test('belongs to sender and recipient: others may use the same', async () => {
    const key = randomUUID()
    const ids = [
      await relay.send(alice, bob, 'a', key),
      await relay.send(alice, carol, 'b', key),
      await relay.send(carol, bob, 'c', key),
    ]
    expect(new Set(ids).size).toBe(3)
  })

  test('makes one message of many retries at once, with one answer for all', async () => {
    await drain(bob)
    const message = { recipient_id: bob.id, ciphertext: 'burst', client_message_id: randomUUID() }
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(message)))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect((await relay.inbox(bob)).messages.length).toBe(1)
  })

  test('of two contents at once lets one win and refuses the other, and no neighbour in the batch fails', async () => {
    await drain(bob)
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0
          ? send({ recipient_id: bob.id, ciphertext: `content ${i % 4}`, client_message_id: key })
          : send({ recipient_id: i % 3 === 0 ? randomUUID() : bob.id, ciphertext: `neighbour ${i}` }),
      ),
    )
    const contested = answers.filter((_, i) => i % 2 === 0).map(outcomeOf)
    expect(contested.filter((outcome) => outcome === '201').length).toBe(5)
    expect(contested.filter((outcome) => outcome === '409 message_id_reused').length).toBe(5)
    const neighbours = answers.map(outcomeOf).filter((_, i) => i % 2 === 1)
    expect(neighbours).toEqual(
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map((i) => (i % 3 === 0 ? '404 not_found' : '201')),
    )
  })
})

describe('GET /messages', () => {
  test('does not consume, and shows no sender its own', async () => {
    await drain(bob)
    await drain(alice)
    const id = await relay.send(alice, bob, 'still here')
    for (let i = 0; i < 3; i += 1) expect((await relay.inbox(bob)).messages.map((m) => m.id)).toEqual([id])
    expect(await relay.inbox(alice)).toEqual({ messages: [], more: false })
  })

  test('pages by limit and after, and says whether more is left', async () => {
    await drain(bob)
    const ids: string[] = []
    for (let i = 0; i < 7; i += 1) ids.push(await relay.send(alice, bob, `n${i}`))
    const first = await relay.inbox(bob, '?limit=3')
    expect(first.messages.map(({ id }) => id)).toEqual(ids.slice(0, 3))
    expect(first.more).toBe(true)
    const last = await relay.inbox(bob, `?limit=4&after=${ids[2]?.toUpperCase()}`)
    expect(last.messages.map(({ id }) => id)).toEqual(ids.slice(3))
    expect(last.more).toBe(false)
    const beyond = await relay.inbox(bob, '?after=ffffffff-ffff-ffff-ffff-ffffffffffff')
    expect(beyond).toEqual({ messages: [], more: false })
  })

  test('ends a page early, never empty, once it holds 2 MiB of ciphertext', async () => {
    await drain(bob)
    const big = '漢'.repeat(65_536)
    for (let i = 0; i < 13; i += 1) await relay.send(alice, bob, big)
    const first = await relay.inbox(bob, '?limit=100')
    // Eleven of 196,608 bytes are the first to make 2,097,152.
    expect(first.messages.length).toBe(11)
    expect(first.more).toBe(true)
    const rest = await relay.inbox(bob, `?limit=100&after=${first.messages.at(-1)?.id}`)
    expect(rest.messages.length).toBe(2)
    expect(rest.more).toBe(false)
    await drain(bob)
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=05', 'limit'],
    ['limit=5.0', 'limit'],
    ['limit=%205', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=', 'limit'],
    ['limit', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['limit=5&limit=5', 'limit'],
    ['wait=31', 'wait'],
    ['wait=true', 'wait'],
    ['after=1', 'after'],
    ['after=', 'after'],
    ['foo=1', 'foo'],
    ['Limit=5', 'Limit'],
    ['__proto__=1', '__proto__'],
  ])('refuses ?%s with 422', async (query, field) => {
    const answer = await relay.get(`/messages?${query}`, { token: bob.token })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect([...new Set(namedFields(answer))]).toEqual([field])
  })

  test.each(['limit=%zz', 'after=%ff', '%'])(
    'refuses ?%s, whose encoding is broken, with 400',
    async (query) => {
      expect(outcomeOf(await relay.get(`/messages?${query}`, { token: bob.token }))).toBe(
        '400 malformed_request',
      )
    },
  )
})

describe('PUT /messages/{id}/delivered', () => {
  test('removes the message, and answers the same again', async () => {
    await drain(bob)
    const id = await relay.send(alice, bob, 'one')
    const first = await relay.confirm(bob, id)
    expect(first.json).toEqual({ id, delivered_at: expect.stringMatching(/Z$/) })
    expect(await relay.inbox(bob)).toEqual({ messages: [], more: false })
    const again = await relay.confirm(bob, id.toUpperCase())
    expect(again.json).toEqual(first.json)
  })

  test('empties the ciphertext in the database and keeps the hash', async () => {
    const ciphertext = 'to be forgotten, ünd nöt in ASCII \u{1f512}'
    const id = await relay.send(alice, bob, ciphertext)
    await relay.confirm(bob, id)
    const [row] = await relay.sql<{ ciphertext: string | null; hash: string }>(
      `select ciphertext, encode(ciphertext_hash, 'hex') as hash from messages where id = $1`,
      [id],
    )
    expect(row?.ciphertext).toBeNull()
    expect(row?.hash).toBe(createHash('sha256').update(ciphertext, 'utf8').digest('hex'))
  })

  test("of a foreign message looks exactly like none's", async () => {
    const id = await relay.send(alice, bob, 'not for carol')
    const foreign = problemOf(await relay.confirm(carol, id))
    expect(foreign.code).toBe('not_found')
    for (const other of [randomUUID(), `x${id}`, `${id}x`, '999999', '%20', 'x'.repeat(300)])
      expect(problemOf(await relay.confirm(carol, other))).toEqual(foreign)
    expect(problemOf(await relay.confirm(alice, id))).toEqual(foreign)
    expect((await relay.inbox(bob)).messages.map((message) => message.id)).toContain(id)
  })

  test.each([
    ['no JSON', { body: '{', headers: { 'content-type': 'application/json' } }],
    ['of an unknown type', { body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['that claims to be compressed', { body: 'x', headers: { 'content-encoding': 'gzip' } }],
    ['of 2 MiB', { body: Buffer.alloc(2 * 1_048_576) }],
  ])('never reads its body: one %s does not matter', async (_name, options) => {
    const id = await relay.send(alice, bob, 'x')
    const answer = await relay.request('PUT', `/messages/${id}/delivered`, { token: bob.token, ...options })
    expect(outcomeOf(answer)).toBe('200')
  })

  test('at once by many, each for himself, has no effect on the neighbours', async () => {
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, i) => relay.send(alice, i % 2 === 0 ? bob : carol, `n${i}`)),
    )
    const answers = await Promise.all(ids.map((id, i) => relay.confirm(i % 3 === 0 ? bob : carol, id)))
    const expected = ids.map((_, i) => ((i % 2 === 0) === (i % 3 === 0) ? '200' : '404 not_found'))
    expect(answers.map(outcomeOf)).toEqual(expected)
  })
})

describe('POST /messages/delivered', () => {
  test('confirms what is there, names what is not, each once and in the order asked', async () => {
    await drain(bob)
    const [one, two] = [await relay.send(alice, bob, '1'), await relay.send(alice, bob, '2')]
    const foreign = await relay.send(alice, carol, '3')
    const unknown = randomUUID()
    const ids = [two, unknown, one, two.toUpperCase(), foreign, unknown]
    const answer = await relay.post('/messages/delivered', { ids }, { token: bob.token })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ delivered: [two, one], unknown: [unknown, foreign] })
    expect(await relay.inbox(bob)).toEqual({ messages: [], more: false })
  })

  test.each([
    ['none', [], 'ids'],
    ['101', Array.from({ length: 101 }, () => randomUUID()), 'ids'],
    ['a malformed one', [randomUUID(), randomUUID(), randomUUID(), '1'], 'ids.3'],
    ['no list', 'x', 'ids'],
  ])('refuses %s with 422 and says where', async (_name, ids, field) => {
    const answer = await relay.post('/messages/delivered', { ids }, { token: bob.token })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toEqual([field])
  })
})

describe('GET /messages/{id}/status', () => {
  test('tells the sender whether the message waits or was delivered, and when', async () => {
    const id = await relay.send(alice, bob, 'x')
    const ask = () =>
      relay.get(`/messages/${id.toUpperCase()}/status?recipient_id=${bob.id}`, { token: alice.token })
    expect((await ask()).json).toEqual({ id, status: 'pending' })
    const confirmed = await relay.confirm(bob, id)
    expect((await ask()).json).toEqual({ ...Object(confirmed.json), status: 'delivered' })
  })

  test('is 404 for anyone but the sender, and for a wrong recipient', async () => {
    const id = await relay.send(alice, bob, 'x')
    const ask = (who: TestUser, recipient: string) =>
      relay.get(`/messages/${id}/status?recipient_id=${recipient}`, { token: who.token })
    for (const answer of [await ask(bob, bob.id), await ask(carol, bob.id), await ask(alice, carol.id)])
      expect(outcomeOf(answer)).toBe('404 not_found')
    const malformed = await relay.get(`/messages/1/status?recipient_id=${bob.id}`, { token: alice.token })
    expect(outcomeOf(malformed)).toBe('404 not_found')
  })

  test.each([
    ['', 'recipient_id'],
    ['?recipient_id=1', 'recipient_id'],
    [`?recipient_id=${randomUUID()}&id=${randomUUID()}`, 'id'],
    [`?recipient_id=${randomUUID()}&x=1`, 'x'],
  ])('refuses %s with 422', async (query, field) => {
    const answer = await relay.get(`/messages/${randomUUID()}/status${query}`, { token: alice.token })
    expect(outcomeOf(answer)).toBe('422 validation_failed')
    expect(namedFields(answer)).toEqual([field])
  })
})

test('ciphertext of every kind at once comes out as it went in, in one mailbox', async () => {
  await drain(bob)
  const texts = Array.from({ length: 100 }, (_, i) => randomBytes(1 + i * 37).toString('base64'))
  const ids = await Promise.all(texts.map((text) => relay.send(alice, bob, text)))
  const byId = new Map((await relay.inbox(bob, '?limit=100')).messages.map((m) => [m.id, m.ciphertext]))
  expect(ids.map((id) => byId.get(id))).toEqual(texts)
})
