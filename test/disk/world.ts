import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { sqlState } from '../../server/dist/database/faults.js'
import { makeFolderFor } from '../../server/dist/database/embedded/home.js'
import { Correspondence } from '../harness/correspondence.js'
import { request } from '../harness/http.js'
import { until } from '../harness/ports.js'
import { makeNode, type PostgresNode } from '../harness/postgres-node.js'
import { makeScratch, spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import { SmallDisk } from './small-disk.js'

export const DISK_MIB = 48
const DISK_FULL = '53100'
export const BINARIES = '/usr/lib/postgresql/15'
/** Of a letter: its ciphertext lies outside of its row then, as a real one's may. */
const PADDING = 6000
const PASSWORD = 'a good password'

/** What of PostgreSQL lies on the small disk. */
export type Part = 'tables' | 'log'

/** A server on a PostgreSQL of which a part lies on a small disk, and somebody who writes letters there. */
export class World {
  readonly letters: Correspondence
  readonly username = 'alice'
  readonly password = PASSWORD

  private constructor(
    readonly node: PostgresNode,
    readonly disk: SmallDisk,
    readonly server: ServerProcess,
    readonly base: string,
    readonly userId: string,
    private readonly part: Part,
    private readonly removeFolder: () => void,
  ) {
    this.letters = new Correspondence(base, userId, PADDING)
  }

  /** @param program - what is run, if not the server as it is */
  static async build(part: Part, program?: string): Promise<World> {
    const scratch = makeScratch()
    const home = makeFolderFor(findUnprivilegedAccount(), path.join(scratch.folder, 'home'))
    const disk = SmallDisk.mount(path.join(scratch.folder, 'disk'), DISK_MIB)
    const node = await makeNode(BINARIES, path.join(home, 'cluster'), {
      // Small segments: the disk is full soon.
      initdb: part === 'log' ? ['--wal-segsize=1', `--waldir=${disk.makeFolder('log')}`] : [],
      // Who starts it again is the test, as a supervisor would.
      settings: ['restart_after_crash = off'],
    })
    await node.start()
    const settings = {
      DATABASE_URL: node.url,
      SECRET_KEY,
      LIMITS: 'off',
      LOG_LEVEL: 'error',
      DRAIN_SECONDS: '0',
    }
    const server = spawnServer(settings, program === undefined ? {} : { main: program })
    const base = await server.listening
    if (part === 'tables') await moveTables(node, disk)
    const json = { username: 'alice', password: PASSWORD, public_key: 'k' }
    const made = await request(base, 'POST', '/register', { json })
    return new World(node, disk, server, base, String(Object(made.json).id), part, scratch.remove)
  }

  get token(): string {
    return tokenFor(this.userId)
  }

  /** Leaves no room, and waits until PostgreSQL has noticed. */
  async fill(): Promise<void> {
    this.disk.fill()
    await within(30, this.part === 'log' ? this.node.ended : this.untilTablesAreFull())
  }

  /** What an operator does about it. */
  async makeRoom(): Promise<void> {
    if (this.part === 'tables') return this.disk.clear()
    this.disk.grow(2 * DISK_MIB)
    await this.node.start()
  }

  async remove(): Promise<void> {
    this.server.child.kill('SIGTERM')
    await this.server.ended
    await this.node.stop('SIGQUIT')
    this.disk.unmount()
    this.removeFolder()
  }

  private async untilTablesAreFull(): Promise<void> {
    const probe = `insert into probe select string_agg(gen_random_uuid()::text, '') from generate_series(1, 200)`
    const isFull = () =>
      this.node.sql(probe).then(
        () => false,
        (error: unknown) => sqlState(error) === DISK_FULL,
      )
    await until('a full disk', isFull, this.node.ended)
  }
}

/** All that is the server's, indexes and large values too. */
async function moveTables(node: PostgresNode, disk: SmallDisk): Promise<void> {
  await node.sql(`create tablespace small location '${disk.makeFolder('tables')}'`)
  await node.sql('create table probe (filler text)')
  for (const kind of ['table', 'index'])
    await node.sql(`alter ${kind} all in tablespace pg_default set tablespace small`)
}

/** @throws where it takes longer: a test that hangs would leave its disk mounted */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const tooLong = sleep(seconds * 1000, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it took longer than ${seconds} seconds`)
  })
  tooLong.catch(() => undefined)
  try {
    return await Promise.race([work, tooLong])
  } finally {
    over.abort()
  }
}
