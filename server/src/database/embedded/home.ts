import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { canEnter, type SystemAccount } from './account.js'

const SHARED_STATE = '/var/lib'

// A Unix socket's path has 107 bytes on Linux and 103 on macOS, `/.s.PGSQL.5432` among them.
const MAX_SOCKET_FOLDER_BYTES = 88

/** Makes a folder that only its owner may enter, and gives it to the account that PostgreSQL runs under. */
export function makePrivateFolder(folder: string, account: SystemAccount | undefined): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

/**
 * Where the cluster lives: in the data folder, or, where that folder is root's own, in one that the database's
 * account can reach. The choice is made at the first start and kept in the data folder, so that a later change of
 * permissions cannot make a server start on an empty database.
 */
export function findHome(dataFolder: string, account: SystemAccount | undefined): string {
  const pointer = path.join(dataFolder, 'postgresql.location')
  if (existsSync(pointer)) return checkOwner(readFileSync(pointer, 'utf8').trim(), account)
  const home =
    account && !canEnter(account, dataFolder)
      ? path.join(SHARED_STATE, `secure-messenger-${randomBytes(6).toString('hex')}`)
      : path.join(dataFolder, 'postgresql')
  makePrivateFolder(home, account)
  writeFileSync(pointer, `${home}\n`, { mode: 0o600 })
  return home
}

function checkOwner(home: string, account: SystemAccount | undefined): string {
  if (!existsSync(home))
    throw new Error(
      `The database was in ${home}, which is gone. Bring it back, or set DATA_DIR to a new folder.`,
    )
  const owner = statSync(home).uid
  if (owner !== (account?.uid ?? process.getuid?.()))
    throw new Error(
      `The database in ${home} belongs to another user (id ${owner}). Start as the user who started it first, or set DATA_DIR to another folder.`,
    )
  return home
}

/** A folder for the socket: beside the cluster, or in the system's temporary folder where that path is too long. */
export function makeSocketFolder(home: string, account: SystemAccount | undefined): string {
  const beside = path.join(home, 'run')
  if (Buffer.byteLength(beside) <= MAX_SOCKET_FOLDER_BYTES) return makePrivateFolder(beside, account)
  return makePrivateFolder(mkdtempSync(path.join(os.tmpdir(), 'messenger-')), account)
}
