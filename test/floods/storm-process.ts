// A storm's process: what it costs to send and to count it delays nobody whose calls are timed.
import { storm } from './logins.js'

/** What it is asked. */
export interface StormOptions {
  readonly base: string
  readonly names: readonly string[]
}

process.on('message', ({ base, names }: StormOptions) => {
  void Promise.all(storm(base, names)).then((attempts) => process.send?.(attempts))
})
process.on('disconnect', () => process.exit())
