import type { Message, Page } from '@secure-messenger/api'

const WORD_BYTES = 4
const STEP_BYTES = 4 * WORD_BYTES
const SPACE = 0x20

type Written = 'id' | 'sender_id' | 'ciphertext' | 'created_at' | 'expires_at'
type Texts<Fields extends Written> = [Exclude<keyof Message, Fields>] extends [never] ? Message : never

/** What the database or the schema made; of a message the ciphertext alone is its sender's text. */
function toText({ id, sender_id, ciphertext, created_at, expires_at }: Texts<Written>): string {
  return (
    `{"id":"${id}","sender_id":"${sender_id}","ciphertext":"${ciphertext}",` +
    `"created_at":"${created_at}","expires_at":"${expires_at}"}`
  )
}

/**
 * ASCII without control characters: each byte has the bit 0x20 or 0x40, and none 0x80. Sixteen bytes at a step, for one
 * at a step takes as long as what is saved.
 */
function isPrintable(bytes: Buffer): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / WORD_BYTES)
  let [all, some] = [-1, 0]
  for (let at = 0; at < words.length; at += 4) {
    const [a, b, c, d] = [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0]
    all &= (a | (a << 1)) & (b | (b << 1)) & (c | (c << 1)) & (d | (d << 1))
    some |= a | b | c | d
  }
  return (all & 0x40404040) === 0x40404040 && (some & 0x80808080) === 0
}

function isPage(value: unknown): value is Page {
  return typeof value === 'object' && value !== null && 'messages' in value && 'more' in value
}

/**
 * A page as JSON.stringify writes it, in half of its time: nothing needs an escape in ciphertexts that are printable
 * ASCII without quotes and backslashes, as base64 is. A list's JSON was a fifth of its processor time.
 *
 * @returns nothing for other values, empty pages, and ciphertexts that may need an escape
 */
export function encodePage(value: unknown, before = '', after = ''): Buffer | undefined {
  if (!isPage(value) || value.messages.length === 0) return undefined
  const { messages, more } = value
  if (messages.some(({ ciphertext }) => ciphertext.includes('"') || ciphertext.includes('\\')))
    return undefined
  let list = ''
  for (const message of messages) list += list === '' ? toText(message) : `,${toText(message)}`
  const text = `${before}{"messages":[${list}],"more":${more}}${after}`
  // Of memory of its own, so that it can be read as words.
  const bytes = Buffer.allocUnsafeSlow(Math.ceil(text.length / STEP_BYTES) * STEP_BYTES).fill(
    SPACE,
    text.length,
  )
  if (bytes.write(text) !== text.length || !isPrintable(bytes)) return undefined
  return bytes.subarray(0, text.length)
}
