import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/**
 * A text, such as a secret, that is made once and kept in a file that only its owner may read. It appears whole or not at all, and of
 * two processes that make one at once both get the same.
 *
 * @param file - where it is kept, in an existing folder
 * @param make - makes it where there is none yet
 */
export function keepOnce(file: string, make: () => string): string {
  const kept = readKept(file)
  if (kept !== undefined) return kept
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${make()}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (readKept(file) === undefined) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8').trim()
}
