import { mkdirSync } from 'node:fs'
import { writeDocument } from './document/write.js'
import { installMissing } from './packages.js'
import { describeCommit } from './machine.js'
import { LOGS } from './places.js'
import { Cleanup, endOnSignals } from './processes.js'

/** A measurement from its packages to the document: what it starts ends with it, however it ends. */
export async function runMeasurement(
  measure: (cleanup: Cleanup, commit: string) => Promise<void>,
): Promise<void> {
  mkdirSync(LOGS, { recursive: true })
  const cleanup = new Cleanup()
  endOnSignals(cleanup)
  try {
    await installMissing(cleanup, undefined)
    await measure(cleanup, await describeCommit(cleanup))
  } finally {
    await cleanup.run()
  }
  writeDocument()
}
