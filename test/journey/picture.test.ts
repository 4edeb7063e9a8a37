import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  randomUUID,
  type KeyObject,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import type { AppRouter } from '@secure-messenger/api'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'

// The main job on real input: a picture, end-to-end encrypted, sent by a typed client and received over REST.
const relay = useRelay()
const PICTURE = readFileSync(path.join(REPOSITORY, 'test/journey/picture.png'))
const PIECE_BYTES = 40_000

interface Envelope {
  readonly index: number
  readonly count: number
  readonly ephemeral: string
  readonly nonce: string
  readonly sealed: string
}
const envelope = z.object({
  index: z.int(),
  count: z.int(),
  ephemeral: z.string(),
  nonce: z.string(),
  sealed: z.string(),
})

function keyFrom(own: KeyObject, theirs: KeyObject): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: theirs })
  return Buffer.from(hkdfSync('sha256', shared, Buffer.alloc(0), 'picture', 32))
}

function seal(piece: Buffer, index: number, count: number, recipientPem: string): string {
  const ephemeral = generateKeyPairSync('x25519')
  const nonce = randomBytes(12)
  const cipher = createCipheriv(
    'aes-256-gcm',
    keyFrom(ephemeral.privateKey, createPublicKey(recipientPem)),
    nonce,
  )
  const sealed = Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
  const sent: Envelope = {
    index,
    count,
    ephemeral: ephemeral.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
  }
  return JSON.stringify(sent)
}

function open(text: string, privateKey: KeyObject): { index: number; count: number; piece: Buffer } {
  const { index, count, ephemeral, nonce, sealed } = envelope.parse(JSON.parse(text))
  const bytes = Buffer.from(sealed, 'base64')
  const key = keyFrom(privateKey, createPublicKey(ephemeral))
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'))
  decipher.setAuthTag(bytes.subarray(-16))
  return { index, count, piece: Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]) }
}

/** Everything that the database keeps, as one text. */
async function everythingStored(): Promise<string> {
  const tables = ['users', 'public_keys', 'messages']
  const rows = await Promise.all(
    tables.map((table) => relay.sql<{ row: string }>(`select t::text as row from ${table} t`)),
  )
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n')
}

test('a picture passes from one user to another byte for byte, and the database never holds a part of it', async () => {
  const bobKeys = generateKeyPairSync('x25519')
  const bobPem = bobKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const aliceKeys = generateKeyPairSync('x25519')
  const alicePem = aliceKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString()

  // Bob, over REST.
  const bob = await relay.register({ publicKey: bobPem })
  const bobToken = await relay.login(bob.username, bob.password)

  // Alice, over typed RPC.
  const username = `alice.${randomUUID().slice(0, 8)}`
  let token = ''
  const alice = createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${relay.base}/trpc`,
        headers: () => (token ? { authorization: `Bearer ${token}` } : {}),
      }),
    ],
  })
  await alice.auth.register.mutate({ username, password: 'a good password', public_key: alicePem })
  token = (await alice.auth.login.mutate({ username, password: 'a good password' })).access_token
  const { user_id } = await alice.users.find.query({ username: bob.username })
  const key = await alice.keys.get.query({ user_id })
  expect(key.fingerprint).toBe(createHash('sha256').update(bobPem).digest('hex'))

  const count = Math.ceil(PICTURE.length / PIECE_BYTES)
  expect(count).toBeGreaterThan(2)
  for (let index = 0; index < count; index += 1) {
    const piece = PICTURE.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
    const ciphertext = seal(piece, index, count, key.public_key)
    await alice.messages.send.mutate({ recipient_id: user_id, ciphertext, client_message_id: randomUUID() })
  }

  const stored = await everythingStored()
  // Steps of a number that is no multiple of three: base64 is met at each of its alignments.
  for (let at = 0; at + 48 < PICTURE.length; at += 1201) {
    const part = PICTURE.subarray(at, at + 48)
    for (const encoding of ['base64', 'hex', 'latin1'] as const)
      expect(stored.includes(part.toString(encoding))).toBe(false)
  }

  const { messages, more } = await relay.inbox({ ...bob, token: bobToken }, '?limit=100')
  expect(more).toBe(false)
  const opened = messages.map(({ ciphertext }) => open(ciphertext, bobKeys.privateKey))
  expect(opened.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index))
  const received = Buffer.concat(opened.map(({ piece }) => piece))
  expect(received.equals(PICTURE)).toBe(true)

  for (const { id } of messages)
    expect((await relay.confirm({ ...bob, token: bobToken }, id)).status).toBe(200)
  // Once it is delivered, nothing of the ciphertext is left either.
  const left = await everythingStored()
  for (const { ciphertext } of messages) expect(left.includes(ciphertext.slice(200, 248))).toBe(false)
})
