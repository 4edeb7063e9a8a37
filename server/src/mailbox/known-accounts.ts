const MAX_KNOWN = 50_000

/** Looks up which of the ids are accounts. */
export type FindAccounts = (ids: readonly string[]) => Promise<ReadonlySet<string>>

/**
 * Accounts that were seen to exist. None is ever removed by this server; should one be by other means, the foreign
 * keys of `messages` refuse its rows, and what was known is forgotten.
 */
export class KnownAccounts {
  private readonly known = new Set<string>()

  constructor(private readonly find: FindAccounts) {}

  /** Which of the ids are no accounts; the database is asked only after those never seen before. */
  async missing(ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const unseen = [...ids].filter((id) => !this.known.has(id))
    if (unseen.length === 0) return new Set()
    const found = await this.find(unseen)
    for (const id of found) this.keep(id)
    return new Set(unseen.filter((id) => !found.has(id)))
  }

  forget(ids: Iterable<string>): void {
    for (const id of ids) this.known.delete(id)
  }

  private keep(id: string): void {
    const oldest = this.known.values().next()
    if (this.known.size >= MAX_KNOWN && !oldest.done) this.known.delete(oldest.value)
    this.known.add(id)
  }
}
