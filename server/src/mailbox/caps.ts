import type { Cap } from '@secure-messenger/api'
import type { Amount, Tally } from './tally.js'

export interface MailboxCaps {
  readonly mailboxMessages: Cap
  readonly mailboxBytes: Cap
  readonly mailboxSenderShare: Cap
}

/** What a cap leaves of messages or bytes, to all senders and to one of them; nothing at 0 and below. */
interface Room {
  readonly kind: keyof Amount
  readonly forAll: number
  readonly forOne: number
}

/**
 * Other instances know the same count: each admits this part of the room that was found, and counts again. What ten
 * overshoot together is then what they write at the same moment.
 */
const PART_OF_ROOM = 1 / 10

function roomsOf(caps: MailboxCaps, waiting: Tally, senderId: string): Room[] {
  const share = caps.mailboxSenderShare === 'off' ? 1 : caps.mailboxSenderShare
  const below = (cap: Cap, kind: keyof Amount): Room[] => {
    if (cap === 'off') return []
    const [all, own] = [waiting.total[kind], waiting.of(senderId)[kind]]
    return [{ kind, forAll: cap - all, forOne: (cap - (all - own)) / share - own }]
  }
  return [...below(caps.mailboxMessages, 'messages'), ...below(caps.mailboxBytes, 'bytes')]
}

/**
 * Whether a mailbox takes one more message of a sender's. Of each it takes one while there is room at all: a part of
 * some room is more than nothing.
 */
export function takesOneMore(caps: MailboxCaps, waiting: Tally, senderId: string): boolean {
  return roomsOf(caps, waiting, senderId).every(({ forAll, forOne }) => forAll > 0 && forOne > 0)
}

function isPartOver(added: number, left: number): boolean {
  return left > 0 && added > (left + added) * PART_OF_ROOM
}

/** Whether this instance has admitted its part of a room. Of none there is no part. */
export function hasUsedItsPart(caps: MailboxCaps, waiting: Tally, added: Tally, senderId: string): boolean {
  return roomsOf(caps, waiting, senderId).some(
    ({ kind, forAll, forOne }) =>
      isPartOver(added.total[kind], forAll) || isPartOver(added.of(senderId)[kind], forOne),
  )
}
