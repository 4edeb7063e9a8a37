import { loadConfig } from './config.js'
import { beginEpoch } from './database/epoch.js'
import { openDatabase } from './database/open.js'
import { findSource } from './database/source.js'
import { createLog } from './log.js'

/** `pnpm db:restored`: tells clients, by a new epoch, that the database is a backup that was restored. */
async function tellRestored(): Promise<void> {
  const config = loadConfig()
  const log = createLog(config.logLevel)
  const database = await openDatabase(await findSource(config, log), config, log)
  try {
    const epoch = await beginEpoch(database.pool)
    process.stdout.write(`A new epoch has begun, ${epoch}: ${database.description}\n`)
  } finally {
    await database.close()
  }
}

tellRestored().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : 'an unknown error'
  process.stderr.write(`No new epoch has begun: ${reason}\n`)
  process.exit(1)
})
