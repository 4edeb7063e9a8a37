import { spawnSync } from 'node:child_process'
import { chownSync, closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import path from 'node:path'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'

const MIB = 1_048_576
const NO_SPACE = 'ENOSPC'

function runAsRoot(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 })
  if (status !== 0) throw new Error(`${command} was refused: ${stderr || String(error)}`)
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === NO_SPACE
}

/** A file system of a few megabytes, in memory, that a test fills up. */
export class SmallDisk {
  private readonly ballast: string

  private constructor(readonly folder: string) {
    this.ballast = path.join(folder, 'ballast')
  }

  /** @throws where it may not be mounted: what was not tried must not pass */
  static mount(folder: string, sizeMib: number): SmallDisk {
    mkdirSync(folder)
    runAsRoot('mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0711`, 'tmpfs', folder)
    return new SmallDisk(folder)
  }

  /** A folder on it that is PostgreSQL's own. */
  makeFolder(name: string): string {
    const folder = path.join(this.folder, name)
    mkdirSync(folder, { mode: 0o700 })
    const account = findUnprivilegedAccount()
    if (account) chownSync(folder, account.uid, account.gid)
    return folder
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Puts ballast on it until so little is left. */
  fill(leftMib = 0): void {
    const file = openSync(this.ballast, 'a')
    const zeros = Buffer.alloc(MIB)
    try {
      for (let room = this.freeBytes; room > leftMib * MIB; room = this.freeBytes)
        writeSync(file, zeros, 0, Math.min(MIB, room - leftMib * MIB))
    } catch (error) {
      // Others write there, too.
      if (!isFull(error)) throw error
    } finally {
      closeSync(file)
    }
  }

  /** Takes the ballast away. */
  clear(): void {
    rmSync(this.ballast)
  }

  grow(sizeMib: number): void {
    runAsRoot('mount', '-o', `remount,size=${sizeMib}m`, this.folder)
  }

  unmount(): void {
    runAsRoot('umount', this.folder)
  }
}
