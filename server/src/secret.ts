import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/**
 * A secret that is made once and kept in a file that only its owner may read. It appears whole or not at all, and of
 * two processes that make one at once both get the same.
 *
 * @param file - where it is kept, in an existing folder
 * @param make - makes it where there is none yet
 */
export function keepSecret(file: string, make: () => string): string {
  const kept = readSecret(file)
  if (kept !== undefined) return kept
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${make()}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (readSecret(file) === undefined) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8').trim()
}
