const INTERVAL_MS = 10
/** Of those in line, the part that passes together where that is more than the width: of 200 none waits for a second, of 5,000 for three. */
const PART = 50

/**
 * Logins and registrations begin here: as many within 10 ms as passwords can be hashed at once, which is twenty-five
 * times what the cores can do, so it keeps nobody from being hashed. In a storm it keeps the turns of the event loop
 * short, in each of which Node accepts one connection only (libuv #3696): while 200 logins were worked on as they came,
 * everybody's new connections waited for 84 to 148 ms, and 45 to 50 where two passed each 10 ms. In a process that has
 * just started they still wait for half a second and more, for all of its code is slow then.
 * Those that come while it is shut wait in line. It refuses nobody: what is too much the limits and the queue tell.
 */
export class Turnstile {
  private readonly line: (() => void)[] = []
  private passed = 0
  private shut: NodeJS.Timeout | undefined

  /** @param width - how many pass together */
  constructor(private readonly width: number) {}

  /** Resolves when one may begin. */
  async pass(): Promise<void> {
    this.shut ??= this.open()
    if (this.passed < this.width) this.passed += 1
    else await new Promise<void>((resolve) => this.line.push(resolve))
  }

  /** Lets the next pass, and opens again after them as long as somebody comes. */
  private open(): NodeJS.Timeout | undefined {
    const next = this.line.splice(0, Math.max(this.width, Math.ceil(this.line.length / PART)))
    this.passed = next.length
    for (const begin of next) begin()
    return setTimeout(() => {
      this.shut = this.line.length > 0 ? this.open() : undefined
    }, INTERVAL_MS)
  }
}
