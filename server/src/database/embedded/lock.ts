import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { isRunning, startOf } from './processes.js'

const holder = z.object({ pid: z.int(), startedAt: z.string() })

function readHolder(file: string): z.infer<typeof holder> | undefined {
  try {
    return holder.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    return undefined
  }
}

function isAlive(file: string): boolean {
  const found = readHolder(file)
  return found !== undefined && isRunning(found.pid) && startOf(found.pid) === found.startedAt
}

/** Thrown at a second start on one data folder. */
export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError'
  constructor(folder: string) {
    super(`Another server is running on ${folder}. Stop it first, or set DATA_DIR to another folder.`)
  }
}

/**
 * Keeps a data folder for this process. A lock left by a process that was killed does not count.
 *
 * @param folder - an existing folder
 * @returns what lets go of it
 * @throws DataFolderInUseError
 */
export function lockDataFolder(folder: string): () => void {
  const file = path.join(folder, 'server.lock')
  const content = JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) })
  if (existsSync(file)) {
    if (isAlive(file)) throw new DataFolderInUseError(folder)
    rmSync(file, { force: true })
  }
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (existsSync(file)) throw new DataFolderInUseError(folder)
    throw cause
  }
  return () => rmSync(file, { force: true })
}
