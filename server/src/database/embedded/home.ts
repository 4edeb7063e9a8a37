import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { keepOnce } from '../../kept-file.js'
import { canEnter, type SystemAccount } from './account.js'

const SHARED_STATE = '/var/lib'

// A Unix socket's path has 107 bytes on Linux and 103 on macOS, `/.s.PGSQL.5432` among them.
const MAX_SOCKET_FOLDER_BYTES = 88

/**
 * Makes a folder for the account that PostgreSQL runs under. Only a folder that is made here is given away: whoever
 * runs as that account must not get hold of another by putting a link in its place.
 */
export function makeFolderFor(account: SystemAccount | undefined, folder: string): string {
  if (existsSync(folder) && lstatSync(folder).isDirectory()) return folder
  mkdirSync(folder, { mode: 0o700 })
  if (account) lchownSync(folder, account.uid, account.gid)
  return folder
}

/**
 * Where the cluster lives: in the data folder, or, where that folder is root's own, in one that the database's
 * account can reach. The choice is made at the first start and kept in the data folder, so that a later change of
 * permissions cannot make a server start on an empty database.
 */
export function findHome(dataFolder: string, account: SystemAccount | undefined): string {
  const home = keepOnce(path.join(dataFolder, 'postgresql.location'), () => {
    const made =
      account && !canEnter(account, dataFolder)
        ? path.join(SHARED_STATE, `secure-messenger-${randomBytes(6).toString('hex')}`)
        : path.join(dataFolder, 'postgresql')
    // The home itself stays with whoever starts the server; what the account needs of it is given to it one by one.
    mkdirSync(made, { recursive: true })
    chmodSync(made, 0o711)
    return made
  })
  checkOwner(home, account)
  return home
}

function checkOwner(home: string, account: SystemAccount | undefined): void {
  if (!existsSync(home))
    throw new Error(
      `The database was in ${home}, which is gone. Bring it back, or set DATA_DIR to a new folder.`,
    )
  const cluster = path.join(home, 'cluster')
  const owner = lstatSync(existsSync(cluster) ? cluster : home).uid
  const expected = existsSync(cluster) ? (account?.uid ?? process.getuid?.()) : process.getuid?.()
  if (owner !== expected)
    throw new Error(
      `The database in ${home} belongs to another user (id ${owner}). Start as the user who started it first, or set DATA_DIR to another folder.`,
    )
}

/** A folder for the socket: beside the cluster, or in the system's temporary folder where that path is too long. */
export function makeSocketFolder(home: string, account: SystemAccount | undefined): string {
  const beside = path.join(home, 'run')
  if (Buffer.byteLength(beside) <= MAX_SOCKET_FOLDER_BYTES) return makeFolderFor(account, beside)
  const passing = mkdtempSync(path.join(os.tmpdir(), 'messenger-'))
  if (account) lchownSync(passing, account.uid, account.gid)
  return passing
}
