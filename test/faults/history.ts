/** How a send ended for its sender: `unknown` where nobody can tell, `refused` where it certainly was not kept. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

interface Send {
  readonly sender: string
  readonly recipient: string
  /** Where it stands among its sender's sends to this recipient. */
  readonly place: number
  outcome: Outcome
  /** As each acknowledgement had it. */
  readonly ids: Set<string>
}

interface Read {
  readonly id: string
  readonly text: string
}

/** What the checker found wrong, by kind. Empty lists are what is to be. */
export interface Faults {
  readonly missing: string[]
  readonly doubled: string[]
  readonly unsent: string[]
  readonly returned: string[]
  readonly disordered: string[]
  readonly hung: string[]
}

/** Everything that clients did and saw, and what of it breaks a promise. Each message's text is unique. */
export class History {
  readonly hung: string[] = []
  private readonly sends = new Map<string, Send>()
  private readonly places = new Map<string, number>()
  /** By id, the text under which it was read. */
  private readonly reads = new Map<string, string>()
  /** By id, how many were confirmed before it. */
  private readonly confirmed = new Map<string, number>()
  private readonly returned = new Set<string>()
  private readonly disordered = new Set<string>()

  begin(sender: string, recipient: string, text: string): void {
    const between = `${sender} ${recipient}`
    const place = (this.places.get(between) ?? 0) + 1
    this.places.set(between, place)
    this.sends.set(text, { sender, recipient, place, outcome: 'unknown', ids: new Set() })
  }

  end(text: string, outcome: Outcome, id?: string): void {
    const send = this.sends.get(text)
    if (!send) return
    send.outcome = outcome
    if (id !== undefined) send.ids.add(id)
  }

  /** How many are known to be confirmed. */
  get confirmations(): number {
    return this.confirmed.size
  }

  /** A page, as it was listed; so many were confirmed when it was asked for. */
  read(page: readonly Read[], confirmationsBefore: number): void {
    const last = new Map<string, number>()
    for (const { id, text } of page) {
      this.reads.set(id, text)
      if ((this.confirmed.get(id) ?? Number.POSITIVE_INFINITY) < confirmationsBefore) this.returned.add(id)
      const send = this.sends.get(text)
      if (!send || send.outcome !== 'acknowledged') continue
      if (send.place < (last.get(send.sender) ?? 0)) this.disordered.add(id)
      last.set(send.sender, send.place)
    }
  }

  confirm(id: string): void {
    if (!this.confirmed.has(id)) this.confirmed.set(id, this.confirmed.size)
  }

  /** Of all messages that were acknowledged or read, and the ids that their senders chose, which are their texts. */
  *ids(): Iterable<string> {
    for (const [text, { ids }] of this.sends) yield* [text, ...ids]
    yield* this.reads.keys()
  }

  get acknowledged(): number {
    return this.count('acknowledged')
  }

  count(outcome: Outcome): number {
    return [...this.sends.values()].filter((send) => send.outcome === outcome).length
  }

  /** @returns what is wrong, once everything was read */
  check(): Faults {
    const idsOf = new Map<string, Set<string>>()
    const unsent: string[] = []
    for (const [id, text] of this.reads) {
      const send = this.sends.get(text)
      if (!send || send.outcome === 'refused') unsent.push(id)
      idsOf.set(text, (idsOf.get(text) ?? new Set<string>()).add(id))
    }
    const [missing, doubled]: [string[], string[]] = [[], []]
    for (const [text, { outcome, ids }] of this.sends) {
      const found = new Set([...(idsOf.get(text) ?? []), ...ids])
      if (found.size > 1) doubled.push(text)
      if (outcome === 'acknowledged' && !idsOf.has(text)) missing.push(text)
    }
    return {
      missing,
      doubled,
      unsent,
      returned: [...this.returned],
      disordered: [...this.disordered],
      hung: this.hung,
    }
  }
}
