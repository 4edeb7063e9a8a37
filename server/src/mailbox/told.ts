/**
 * How far ids may lie behind their commits: an id has its statement's time, which ends within five seconds, and the
 * clocks of a cluster's nodes differ a little.
 */
const OVERLAP_MS = 15_000

/** The id before every id of that time (UUID version 7: its first 48 bits are milliseconds). */
function idAt(milliseconds: number): string {
  const hex = Math.max(0, milliseconds).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** The ids that a stream has told, so that it tells each message once though messages commit in another order. */
export class Told {
  private readonly ids = new Set<string>()
  /** Those that were beyond the floor when it was last asked for, and those since. */
  private recent: string[] = []
  private highest = ''

  /** @returns whether it is new */
  add(id: string): boolean {
    if (this.ids.has(id)) return false
    this.ids.add(id)
    this.recent.push(id)
    if (id > this.highest) this.highest = id
    return true
  }

  /** What is new lies beyond this id, but for what a reading from the start finds. */
  get floor(): string | undefined {
    return this.highest === '' ? undefined : idAt(timeOf(this.highest) - OVERLAP_MS)
  }

  /** What was told of what lies beyond the floor. */
  beyondFloor(): readonly string[] {
    const { floor } = this
    if (floor !== undefined) this.recent = this.recent.filter((id) => id > floor)
    return this.recent
  }

  /** Forgets what a reading from the start did not find: it is confirmed or expired, and never listed again. */
  keepOnly(found: ReadonlySet<string>): void {
    const { floor } = this
    for (const id of this.ids) if (!found.has(id) && (floor === undefined || id < floor)) this.ids.delete(id)
  }
}
