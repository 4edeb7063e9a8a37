import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { makeFolderFor } from '../../server/dist/database/embedded/home.js'
import { makeNode, type PostgresNode } from '../harness/postgres-node.js'

const PREFIX = '/usr/lib/postgresql/15'
const DATABASE = 'relay'
const run = promisify(execFile)

/** A PostgreSQL as an operator has it, with the tools that come with it: Debian's. */
export class DebianPostgres {
  readonly url: string

  private constructor(
    private readonly home: string,
    readonly node: PostgresNode,
  ) {
    this.url = `postgresql://postgres@127.0.0.1:${node.port}/${DATABASE}`
  }

  /** @param folder - of which it makes one of its own below */
  static async create(folder: string, name: string): Promise<DebianPostgres> {
    const home = makeFolderFor(findUnprivilegedAccount(), path.join(folder, name))
    const node = await makeNode(PREFIX, path.join(home, 'data'))
    const made = new DebianPostgres(home, node)
    await node.start()
    await made.tool('createdb', [...made.address, '--template=template0', DATABASE])
    return made
  }

  /** Where it is, as its tools take it. */
  get address(): string[] {
    return ['-h', '127.0.0.1', '-p', String(this.node.port), '-U', 'postgres']
  }

  /** Runs one of its tools, under an account that it accepts. @throws with what the tool said */
  async tool(name: string, args: readonly string[]): Promise<void> {
    const { uid, gid } = findUnprivilegedAccount() ?? {}
    await run(path.join(PREFIX, 'bin', name), args, {
      ...(uid !== undefined && gid !== undefined && { uid, gid }),
      cwd: this.home,
      env: { PATH: '/usr/bin:/bin' },
    })
  }

  /** A path below its own folder, where its account may write. */
  place(name: string): string {
    return path.join(this.home, name)
  }
}
