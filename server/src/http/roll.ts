/**
 * What is there now, in no order. A `Set` makes its table anew after so many additions, and V8 has the one that it
 * gives up hold its entries and the next table: once such a table is in the old generation, all that was ever in the
 * set is drawn there after it, until the whole heap is collected. Requests and connections come and go too often for that.
 */
export class Roll<T> {
  private readonly entries: { readonly item: T; place: number }[] = []

  items(): T[] {
    return this.entries.map(({ item }) => item)
  }

  /** @returns takes it out again; to be called once */
  enter(item: T): () => void {
    const entry = { item, place: this.entries.length }
    this.entries.push(entry)
    return () => {
      const last = this.entries.pop()
      if (!last || last === entry) return
      last.place = entry.place
      this.entries[entry.place] = last
    }
  }
}
