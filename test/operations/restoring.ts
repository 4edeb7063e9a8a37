import { setTimeout as sleep } from 'node:timers/promises'
import { keptPort } from '../harness/ports.js'
import { makeScratch, spawnServer, type ServerProcess } from '../harness/process.js'
import { runProgram } from '../harness/program.js'
import { queryOnce } from '../harness/query.js'
import { SECRET_KEY } from '../harness/tokens.js'
import type { Backup } from './backups.js'
import { DebianPostgres } from './debian-postgres.js'
import { Talker } from './talker.js'

/** Acknowledged messages before the backup, after it, and after it was restored. */
const MESSAGES = 60
const PATIENCE_MS = 60_000

export interface Case {
  readonly backup: Backup
  /** Whether the operator runs `pnpm db:restored`. */
  readonly told: boolean
  readonly heedsEpoch: boolean
}

/** Counts, of messages each. */
export interface Restoring {
  readonly acknowledged: number
  /** Acknowledged, not in the backup. */
  readonly lostByTheServer: number
  readonly offeredAgain: number
  /** Of those the ones that the backup held: they were answered with the first message. */
  readonly offeredThoughKept: number
  /** Acknowledged, and never read by their recipient. */
  readonly missing: number
  /** In the backup, and read under another id than theirs. */
  readonly doubled: number
  /** Clients that saw the epoch change. */
  readonly sawNewEpoch: number
}

function acknowledgedOf(talkers: readonly Talker[]): string[] {
  return talkers.flatMap(({ sent }) => [...sent].flatMap(([key, { id }]) => (id === undefined ? [] : [key])))
}

async function untilAcknowledged(talkers: readonly Talker[], more: number): Promise<void> {
  const goal = acknowledgedOf(talkers).length + more
  for (const deadline = Date.now() + PATIENCE_MS; acknowledgedOf(talkers).length < goal; await sleep(20))
    if (Date.now() > deadline) throw new Error('the clients no longer get on')
}

function start(postgres: DebianPostgres, port: number, cwd: string): ServerProcess {
  const settings = { SECRET_KEY, LIMITS: 'off', PORT: String(port), DATABASE_URL: postgres.url }
  return spawnServer(settings, { cwd })
}

async function stop({ child, ended }: ServerProcess): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

/** The messages that a database holds: ids by client_message_id. */
async function keptIn({ url }: DebianPostgres): Promise<Map<string, string>> {
  const rows = await queryOnce<{ key: string; id: string }>(
    { connectionString: url },
    'select client_message_id as key, id from messages',
  )
  return new Map(rows.map(({ key, id }) => [key, id]))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, some) => all + some, 0)
}

function count(
  talkers: readonly Talker[],
  kept: ReadonlyMap<string, string>,
  gone: readonly string[],
): Restoring {
  const received = new Map(talkers.flatMap((talker) => [...talker.received]))
  const acknowledged = acknowledgedOf(talkers)
  return {
    acknowledged: acknowledged.length,
    lostByTheServer: gone.length,
    offeredAgain: sum(talkers.map(({ offeredAgain }) => offeredAgain)),
    offeredThoughKept: sum(talkers.map(({ offeredThoughKept }) => offeredThoughKept)),
    missing: acknowledged.filter((key) => !received.has(key)).length,
    doubled: [...kept].filter(([key, id]) => [...(received.get(key) ?? [])].some((other) => other !== id))
      .length,
    sawNewEpoch: talkers.filter(({ epochs }) => epochs.length > 1).length,
  }
}

/** Restores a backup under three clients who never stop: what they offered meanwhile is taken when it is done. */
export async function restoreUnderTalk({ backup, told, heedsEpoch }: Case): Promise<Restoring> {
  const scratch = makeScratch()
  const port = await keptPort()
  const base = `http://127.0.0.1:${port}`
  let postgres = await DebianPostgres.create(scratch.folder, 'first')
  let server = start(postgres, port, scratch.folder)
  try {
    await server.listening
    const talkers = ['alice', 'bob', 'carol'].map((name) => new Talker({ base, name, heedsEpoch }))
    for (const talker of talkers) await talker.register()
    // Carol is away: what is sent to her waits over backup and restore.
    for (const talker of talkers.slice(2)) talker.reads = false
    const talks = talkers.map((talker) => talker.talk(talkers.filter((other) => other !== talker)))
    await untilAcknowledged(talkers, MESSAGES)
    await backup.take(postgres)
    await untilAcknowledged(talkers, MESSAGES)
    await stop(server)
    postgres = await backup.restore(postgres, scratch.folder)
    const kept = await keptIn(postgres)
    const gone = acknowledgedOf(talkers).filter((key) => !kept.has(key))
    if (told) await runProgram('restored', { DATABASE_URL: postgres.url }, scratch.folder)
    server = start(postgres, port, scratch.folder)
    await server.listening
    await untilAcknowledged(talkers, MESSAGES)
    await Promise.all(talks.map((talk) => talk.end()))
    for (const talker of talkers) await talker.readAll()
    return count(talkers, kept, gone)
  } finally {
    await stop(server)
    await postgres.node.stop('SIGQUIT')
    scratch.remove()
  }
}
