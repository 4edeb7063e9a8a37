import { renameSync, rmSync } from 'node:fs'
import { DebianPostgres } from './debian-postgres.js'

/** A way to take a backup while the database is used, and to have it back once the database is gone. */
export interface Backup {
  take(postgres: DebianPostgres): Promise<void>
  /** @returns the PostgreSQL that runs with what the backup holds */
  restore(lost: DebianPostgres, folder: string): Promise<DebianPostgres>
}

/** The files of the whole cluster: what comes back takes itself for the one that was lost. */
export const pgBasebackup: Backup = {
  take: (postgres) =>
    postgres.tool('pg_basebackup', [
      ...postgres.address,
      '--pgdata',
      postgres.place('backup'),
      '--checkpoint=fast',
    ]),
  async restore(lost) {
    await lost.node.stop('SIGQUIT')
    rmSync(lost.node.folder, { recursive: true })
    renameSync(lost.place('backup'), lost.node.folder)
    await lost.node.start()
    return lost
  },
}

/** The rows, which can be brought into any other cluster. */
export const pgDump: Backup = {
  take: (postgres) =>
    postgres.tool('pg_dump', ['--format=custom', '--file', postgres.place('relay.dump'), postgres.url]),
  async restore(lost, folder) {
    await lost.node.stop('SIGQUIT')
    const next = await DebianPostgres.create(folder, 'next')
    await next.tool('pg_restore', [
      '--exit-on-error',
      '--no-owner',
      '--dbname',
      next.url,
      lost.place('relay.dump'),
    ])
    return next
  },
}
