import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'

const holder = z.object({ pid: z.int(), startedAt: z.string() })

/**
 * When a process started, in the kernel's clock ticks since boot (proc(5), field 22); it tells a process from a
 * later one that got the same number. Empty where the system does not say, and undefined where there is no process.
 */
function startOfProcess(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return undefined
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function readHolder(file: string): z.infer<typeof holder> | undefined {
  try {
    return holder.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    return undefined
  }
}

function isAlive(file: string): boolean {
  const found = readHolder(file)
  return found !== undefined && startOfProcess(found.pid) === found.startedAt
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
  const content = JSON.stringify({ pid: process.pid, startedAt: startOfProcess(process.pid) ?? '' })
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
