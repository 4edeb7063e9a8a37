import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** The system account that PostgreSQL runs under. */
export interface SystemAccount {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root. Root lends it an account that may do nothing else: `postgres` where the
 * machine has it, else `nobody`.
 *
 * @returns undefined for an ordinary user, who runs PostgreSQL as himself
 */
export function findUnprivilegedAccount(): SystemAccount | undefined {
  if (process.getuid?.() !== 0) return undefined
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] = entries.find(([entry]) => entry === wanted) ?? []
    if (name && Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and this machine has neither a "postgres" nor a "nobody" account for it. ' +
      'Start as an ordinary user, or set DATABASE_URL.',
  )
}

/** Whether the account may enter every folder on the way to a path, and the path itself. */
export function canEnter(account: SystemAccount, absolutePath: string): boolean {
  for (let folder = absolutePath; ; folder = path.dirname(folder)) {
    const { mode, uid, gid } = statSync(folder)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (folder === path.dirname(folder)) return true
  }
}
