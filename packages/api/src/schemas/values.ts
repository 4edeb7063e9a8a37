import { z } from 'zod'

// Lengths count Unicode code points, as JSON Schema does; JavaScript's `length` counts UTF-16 units, of which
// a code point takes one or two.
function isWithin(text: string, min: number, max: number): boolean {
  if (text.length > 2 * max || text.length < min) return false
  if (text.length <= max && text.length >= 2 * min) return true
  let points = 0
  for (const _ of text) points += 1
  return points >= min && points <= max
}

function textOf(min: number, max: number): z.ZodString {
  return z
    .string()
    .refine((value) => isWithin(value, min, max), `must have ${min} to ${max} characters`)
    .refine((value) => value.isWellFormed(), 'must not contain a lone surrogate')
    .meta({ minLength: min, maxLength: max })
}

const MAX_PASSWORD_BYTES = 72

function utf8Bytes(value: string): number {
  let bytes = 0
  for (const character of value) {
    const point = character.codePointAt(0) ?? 0
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}

// C0 and C1 controls and DEL, but for TAB, LF and CR: what no PEM, JWK or base64 holds.
const FORBIDDEN_IN_KEYS = String.raw`\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f`
const forbiddenInKeys = new RegExp(`[${FORBIDDEN_IN_KEYS}]`)

/** The rule as JSON Schema can say it, for those who make texts from the document. */
const WITHOUT_NUL = String.raw`^[^\u0000]*$`

const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/

export const username = z
  .string()
  .regex(USERNAME, 'must be 3 to 32 of the letters A-Z and a-z, digits, "_", "." and "-"')
  .meta({
    description: 'Unique without regard to case, kept as written.',
    minLength: 3,
    maxLength: 32,
    example: 'alice',
  })

/** bcrypt reads 72 bytes and no more: a longer password is refused, never cut. */
export const password = z
  .string()
  .refine((value) => isWithin(value, 8, Infinity), 'must have at least 8 characters')
  .refine(
    (value) => value.length <= MAX_PASSWORD_BYTES && utf8Bytes(value) <= MAX_PASSWORD_BYTES,
    'must have at most 72 bytes as UTF-8',
  )
  .refine((value) => value.isWellFormed(), 'must not contain a lone surrogate')
  .refine((value) => !value.includes('\0'), 'must not contain NUL')
  .meta({
    description: '8 characters to 72 bytes of UTF-8.',
    minLength: 8,
    maxLength: MAX_PASSWORD_BYTES,
    pattern: WITHOUT_NUL,
    format: 'password',
    example: 'correct horse battery',
  })

export const publicKey = textOf(1, 8192)
  .refine(
    (value) => !forbiddenInKeys.test(value),
    'must not contain control characters other than TAB, LF and CR',
  )
  .meta({
    description: 'Opaque text (PEM, JWK, base64): what comes out is byte for byte what went in.',
    pattern: `^[^${FORBIDDEN_IN_KEYS}]*$`,
    example: 'MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
  })

export const ciphertext = textOf(1, 65_536)
  .refine((value) => !value.includes('\0'), 'must not contain NUL')
  .meta({
    description: 'Opaque text: what comes out is byte for byte what went in.',
    pattern: WITHOUT_NUL,
    example: 'AbX9rk0mKq==',
  })

/** A ciphertext in an answer: it was checked when it came in. */
export const answeredCiphertext = z.string().meta(ciphertext.meta() ?? {})

/** Any 8-4-4-4-12 hex in either case is taken; it is compared and answered in lower case. */
export const id = z
  .guid('must be a UUID')
  .toLowerCase()
  .meta({ format: 'uuid', example: '0197a3c2-5b1e-7d3a-9f40-6c1de2a7b8f1' })

/** An id that is what is looked up: a malformed one names nothing, so the domain answers `not_found`. */
export const soughtId = z.string().meta({ format: 'uuid', example: '0197a3c2-5b1e-7d3a-9f40-6c1de2a7b8f1' })

/** An id in an answer: always well-formed and in lower case, so nothing is checked again. */
export const answeredId = z.string().meta({ format: 'uuid', example: '0197a3c2-5b1e-7d3a-9f40-6c1de2a7b8f1' })

export const time = z.string().meta({
  description: "UTC with milliseconds, by the database's clock.",
  format: 'date-time',
  example: '2026-01-31T12:00:00.000Z',
})

export const keyVersion = z
  .int()
  .min(1)
  .meta({ description: '1 at registration, one more at each new key.', example: 1 })

export const fingerprint = z.string().meta({
  description: "Lower-case hex SHA-256 of the key's UTF-8 bytes.",
  pattern: '^[0-9a-f]{64}$',
  example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
})

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The lower-case form of a sought id, or undefined where it is none.
 *
 * @param value - text as a client sent it
 */
export function parseId(value: string): string | undefined {
  return GUID.test(value) ? value.toLowerCase() : undefined
}

/**
 * The form of a username in which names are compared, or undefined where nobody could have registered it.
 * ASCII alone is folded: a Kelvin sign is no "k".
 *
 * @param value - text as a client sent it
 */
export function parseUsername(value: string): string | undefined {
  return USERNAME.test(value) ? value.toLowerCase() : undefined
}
