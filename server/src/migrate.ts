import { loadConfig } from './config.js'
import { openDatabase } from './database/open.js'
import { findSource } from './database/source.js'
import { createLog } from './log.js'

/** `pnpm db:migrate`: what every start does, for those who do it ahead of a start. */
async function migrateOnly(): Promise<void> {
  const config = loadConfig()
  const log = createLog(config.logLevel)
  const database = await openDatabase(await findSource(config, log), config, log)
  process.stdout.write(`The schema is up to date: ${database.description}\n`)
  await database.close()
}

migrateOnly().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : 'an unknown error'
  process.stderr.write(`The migration failed: ${reason}\n`)
  process.exit(1)
})
