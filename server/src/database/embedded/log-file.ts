import { openSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'

const MAX_BYTES = 10_485_760

export function logFileOf(home: string): string {
  return path.join(home, 'postgresql.log')
}

/** PostgreSQL appends to what it is given, and cuts nothing: what has grown is put aside, in place of what was before. */
export function openLogFile(home: string): number {
  const file = logFileOf(home)
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > MAX_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}
