/** So many messages, and the bytes of their ciphertexts. */
export interface Amount {
  readonly messages: number
  readonly bytes: number
}

const NOTHING: Amount = { messages: 0, bytes: 0 }

function plus(a: Amount, b: Amount): Amount {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes }
}

/** Messages of a mailbox, altogether and of each sender. */
export class Tally {
  private all = NOTHING
  private readonly bySender = new Map<string, Amount>()

  get total(): Amount {
    return this.all
  }

  of(senderId: string): Amount {
    return this.bySender.get(senderId) ?? NOTHING
  }

  add(senderId: string, change: Amount): void {
    this.all = plus(this.all, change)
    this.bySender.set(senderId, plus(this.of(senderId), change))
  }
}
