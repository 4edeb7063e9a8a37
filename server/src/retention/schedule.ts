import cron, { type ScheduledTask } from 'node-cron'

/** Runs a job at once and then on a schedule, never two at a time. */
export class Schedule {
  private readonly stopping = new AbortController()
  private readonly task: ScheduledTask
  private current: Promise<void> | undefined

  /** @param expression - when, as cron says it, in UTC */
  constructor(
    expression: string,
    private readonly job: (signal: AbortSignal) => Promise<void>,
  ) {
    // A slot that is missed by more than a second is not run; the next one does its work.
    this.task = cron.schedule(expression, () => this.runOnce(), { timezone: 'UTC' })
    void this.runOnce()
  }

  private async runOnce(): Promise<void> {
    if (this.current || this.stopping.signal.aborted) return
    this.current = this.job(this.stopping.signal)
    try {
      await this.current
    } finally {
      this.current = undefined
    }
  }

  /** Ends the schedule, and waits for a job that is under way to come to its next stop. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.task.stop()
    await this.current
  }
}
