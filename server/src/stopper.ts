import { explain } from './console.js'

/** Ends the process in good order at a signal; one that comes during the start counts once the start is done. */
export class Stopper {
  private stop: (() => Promise<void>) | undefined
  private asked = false
  private stopping = false

  /** @param say - to whoever looks at the terminal */
  constructor(private readonly say: (line: string) => void) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.ask())
  }

  /** @param stop - what there is to do before the process ends */
  watch(stop: () => Promise<void>): void {
    this.stop = stop
    if (this.asked) this.ask()
  }

  private ask(): void {
    this.asked = true
    if (!this.stop || this.stopping) return
    this.stopping = true
    this.say('Stopping: answering what was accepted, then closing the database.')
    this.stop().then(
      () => {
        // The log writes its last lines at the exit, too, and was there first: this stays the last word.
        process.once('exit', () => this.say('Stopped.'))
        process.exit(0)
      },
      (error: unknown) => {
        process.stderr.write(`${explain(error)}\n`)
        process.exit(1)
      },
    )
  }
}
