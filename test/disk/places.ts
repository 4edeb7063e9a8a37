import path from 'node:path'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { makeFolderFor } from '../../server/dist/database/embedded/home.js'
import { makeNode } from '../harness/postgres-node.js'
import { makeScratch } from '../harness/process.js'
import { SmallDisk } from './small-disk.js'
import { BINARIES } from './world.js'

const DISK_MIB = 256

/** A small disk, and the settings of a server that watches it. */
export interface Place {
  readonly disk: SmallDisk
  readonly settings: Record<string, string>
  remove(): Promise<void>
}

/** The server's own database is on the disk, and serves two processes. */
export async function placeOwn(): Promise<Place> {
  const scratch = makeScratch()
  const disk = SmallDisk.mount(path.join(scratch.folder, 'disk'), DISK_MIB)
  return {
    disk,
    settings: { DATA_DIR: path.join(disk.folder, 'data'), WEB_CONCURRENCY: '2' },
    async remove() {
      disk.unmount()
      scratch.remove()
    },
  }
}

/** A database is given, and the disk is named as the one it is on. */
export async function placeGiven(): Promise<Place> {
  const scratch = makeScratch()
  const home = makeFolderFor(findUnprivilegedAccount(), path.join(scratch.folder, 'home'))
  const disk = SmallDisk.mount(path.join(scratch.folder, 'disk'), DISK_MIB)
  const node = await makeNode(BINARIES, path.join(home, 'cluster'))
  await node.start()
  return {
    disk,
    settings: { DATABASE_URL: node.url, DISK_FOLDERS: disk.folder },
    async remove() {
      await node.stop('SIGQUIT')
      disk.unmount()
      scratch.remove()
    },
  }
}
