/** When a call was made and answered, by the clock that is the database's too; milliseconds. */
export interface Span {
  readonly from: number
  readonly to: number
}

interface Letter {
  readonly id: string
  readonly recipient: string
  readonly acknowledgedAt: number
  readonly expiresAt: number
}

interface Listing {
  readonly recipient: string
  readonly ids: ReadonlySet<string>
  readonly span: Span
}

interface Confirmation {
  readonly id: string
  readonly status: number
  readonly span: Span
}

/** Ids that readers saw as no reader may, by what was wrong with them. */
export interface Wrong {
  /** Listed though its time was over when the list was asked for. */
  readonly listedLate: string[]
  /** Not listed though its time was not over when the list was answered. */
  readonly hiddenEarly: string[]
  /** Confirmed for the first time when its time was over. */
  readonly confirmedLate: string[]
  /** Answered as if there were none, though it was there. */
  readonly refusedEarly: string[]
}

/**
 * Everything that people did in a world in which messages end soon. It is judged in the end: a reader may hear of a
 * message before its sender does.
 */
export class RetentionHistory {
  private readonly letters = new Map<string, Letter>()
  private readonly listings: Listing[] = []
  private readonly confirmations: Confirmation[] = []
  /** When the first confirmation was asked for. */
  private readonly confirmingFrom = new Map<string, number>()

  send(letter: Letter): void {
    this.letters.set(letter.id, letter)
  }

  /** A whole mailbox, as it was listed. */
  list(listing: Listing): void {
    this.listings.push(listing)
  }

  beginConfirming(id: string, from: number): void {
    if (!this.confirmingFrom.has(id)) this.confirmingFrom.set(id, from)
  }

  endConfirming(confirmation: Confirmation): void {
    this.confirmations.push(confirmation)
  }

  check() {
    const wrong: Wrong = { ...this.checkListings(), ...this.checkConfirmations() }
    const confirmed = this.confirmations.filter(({ status }) => status === 200)
    const distinct = new Set(confirmed.map(({ id }) => id)).size
    return {
      wrong,
      counts: {
        sent: this.letters.size,
        lists: this.listings.length,
        listed: this.listings.reduce((sum, { ids }) => sum + ids.size, 0),
        confirmed: distinct,
        confirmedAgain: confirmed.length - distinct,
        refused: this.confirmations.length - confirmed.length,
      },
    }
  }

  private checkListings(): Pick<Wrong, 'listedLate' | 'hiddenEarly'> {
    const [listedLate, hiddenEarly]: [string[], string[]] = [[], []]
    for (const { recipient, ids, span } of this.listings)
      for (const letter of this.letters.values()) {
        if (letter.recipient !== recipient) continue
        const { id, acknowledgedAt, expiresAt } = letter
        const listed = ids.has(id)
        if (listed && expiresAt <= span.from) listedLate.push(id)
        const mayBeGone = expiresAt <= span.to || (this.confirmingFrom.get(id) ?? span.to) < span.to
        if (!listed && acknowledgedAt < span.from && !mayBeGone) hiddenEarly.push(id)
      }
    return { listedLate, hiddenEarly }
  }

  private checkConfirmations(): Pick<Wrong, 'confirmedLate' | 'refusedEarly'> {
    const [confirmedLate, refusedEarly]: [string[], string[]] = [[], []]
    const confirmedFrom = new Map<string, number>()
    for (const { id, status, span } of this.confirmations) {
      const before = confirmedFrom.has(id)
      const expiresAt = this.letters.get(id)?.expiresAt
      if (status === 200) confirmedFrom.set(id, span.from)
      if (before || expiresAt === undefined) continue
      if (status === 200 && expiresAt <= span.from) confirmedLate.push(id)
      if (status === 404 && expiresAt > span.to) refusedEarly.push(id)
    }
    return { confirmedLate, refusedEarly }
  }
}
