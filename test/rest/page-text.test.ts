import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { dataOf, type Answer } from '../harness/http.js'
import { useRelay, type TestUser } from '../harness/relay.js'

// Pages of ciphertexts that need no escape are written by the server itself, all others by JSON.stringify.
const relay = useRelay()
let alice: TestUser

beforeAll(async () => {
  alice = await relay.user()
})

const page = z.object({ messages: z.array(z.object({ ciphertext: z.string() })), more: z.boolean() })

const PRINTABLE = String.fromCharCode(...Array.from({ length: 0x5f }, (_, at) => 0x20 + at))
const CONTROLS = Array.from({ length: 0x1f }, (_, at) => String.fromCharCode(1 + at))
const OTHERS = ['"', '\\', '\u007f', '\u0080', 'é', '\u2028', '漢', '𝄞', PRINTABLE]

/** Wherever it stands: a page's text is looked at sixteen bytes at a step. */
const PLACES = Array.from({ length: 16 }, (_, at) => at)

async function told(texts: readonly string[]): Promise<{ answer: Answer; data: z.infer<typeof page> }[]> {
  const reader = await relay.user()
  for (const text of texts) await relay.send(alice, reader, text)
  const rest = await relay.get('/messages?limit=100', { token: reader.token })
  const rpc = await relay.query('messages.list', { limit: 100 }, { token: reader.token })
  return [
    { answer: rest, data: page.parse(rest.json) },
    { answer: rpc, data: page.parse(dataOf(rpc)) },
  ]
}

async function expectTold(texts: readonly string[]): Promise<void> {
  for (const { answer, data } of await told(texts)) {
    expect(answer.status).toBe(200)
    expect(data.messages.map(({ ciphertext }) => ciphertext)).toEqual(texts)
    expect(data.more).toBe(false)
    expect(answer.text).toBe(JSON.stringify(answer.json))
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)))
  }
}

test('base64 is told as it was sent, in pages of one and of many, by both doors', async () => {
  await expectTold(['bm90aGluZyB0byBzZWU='])
  await expectTold(Array.from({ length: 40 }, (_, at) => 'bm90aGluZyB0byBzZWU='.repeat(at + 1)))
})

test('an empty page is told by both doors', async () => {
  await expectTold([])
})

test.each([...CONTROLS, ...OTHERS])(
  'a page with %j in one ciphertext is told as it was sent',
  async (character) => {
    await expectTold(['before', `a${character}z`, 'after'])
  },
)

test.each(PLACES)('a character that needs an escape is seen at place %i of a page', async (place) => {
  await expectTold(['x'.repeat(1 + place), `${'x'.repeat(place)}\n`])
  await expectTold([`${'x'.repeat(place)}é`])
})
