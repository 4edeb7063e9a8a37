import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { isRunning, processNamespace, startOf } from './processes.js'

const holder = z.object({ pid: z.int(), startedAt: z.string(), namespace: z.string() })

/** How often the holder touches its lock, for those who cannot see its process. */
const HEARTBEAT_MS = 2000
/** A lock of another container that is not touched this long belongs to nobody. */
const SILENCE_MS = 8000

/** Thrown at a second start on one data folder. */
export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError'
  constructor(folder: string) {
    super(`Another server is running on ${folder}. Stop it first, or set DATA_DIR to another folder.`)
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** What a lock says of its holder; a file that a crash left empty says nothing, and is nobody's. */
function parseHolder(text: string): z.infer<typeof holder> | undefined {
  try {
    return holder.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The time of the last touch; 0 where the file is gone. */
function touchedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Whether the server that wrote the lock lives: by its process, or where that is out of sight by its heartbeat. */
async function isHeld(file: string, text: string): Promise<boolean> {
  const found = parseHolder(text)
  if (!found) return false
  if (found.namespace === processNamespace())
    return isRunning(found.pid) && startOf(found.pid) === found.startedAt
  const before = touchedAt(file)
  const deadline = Date.now() + SILENCE_MS
  while (Date.now() < deadline) {
    await sleep(HEARTBEAT_MS / 4)
    if (touchedAt(file) !== before) return true
  }
  return false
}

/** Takes away the lock that was judged to be nobody's; another one that has come meanwhile is put back. */
function remove(file: string, judged: string): void {
  const aside = `${file}.${process.pid}.old`
  try {
    renameSync(file, aside)
    if (read(aside) !== judged) linkSync(aside, file)
  } catch {
    // Somebody else took it away: the link decides who is next.
  } finally {
    rmSync(aside, { force: true })
  }
}

/**
 * Keeps a data folder for this process. A lock left by a process that was killed does not count.
 *
 * @param folder - an existing folder
 * @returns what lets go of it
 * @throws DataFolderInUseError
 */
export async function lockDataFolder(folder: string): Promise<() => void> {
  const file = path.join(folder, 'server.lock')
  const draft = `${file}.${process.pid}`
  const own = JSON.stringify({
    pid: process.pid,
    startedAt: startOf(process.pid),
    namespace: processNamespace(),
  })
  const found = read(file)
  if (found !== undefined) {
    if (await isHeld(file, found)) throw new DataFolderInUseError(folder)
    remove(file, found)
  }
  // It appears whole or not at all, and of two that want it one gets it.
  writeFileSync(draft, own, { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (cause) {
    throw read(file) === undefined ? cause : new DataFolderInUseError(folder)
  } finally {
    rmSync(draft, { force: true })
  }
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS)
  heartbeat.unref()
  return () => {
    clearInterval(heartbeat)
    rmSync(file, { force: true })
  }
}

function touch(file: string): void {
  try {
    const now = new Date()
    utimesSync(file, now, now)
  } catch {
    // Gone with its folder: there is nothing left to keep.
  }
}
