import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {
  DATABASE_USER,
  initialise,
  startProcess,
  stopOrphan,
  stopProcess,
  type Cluster,
} from '../../server/dist/database/embedded/cluster.js'
import { placeCluster } from '../../server/dist/database/embedded/embedded.js'
import { logFileOf } from '../../server/dist/database/embedded/log-file.js'

export const PASSWORD = 'known-to-this-run-alone'

/** A PostgreSQL of a run's own that can be killed and comes back as it was. */
export class FaultyPostgres {
  private constructor(
    private readonly folder: string,
    private readonly cluster: Cluster,
    private readonly settings: Readonly<Record<string, string>>,
    private child: ChildProcess,
  ) {}

  /** @param settings - by PostgreSQL's names, beside those that the server gives its own */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<FaultyPostgres> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'relay-faults-'))
    chmodSync(folder, 0o711)
    const cluster = placeCluster(folder)
    await initialise(cluster, PASSWORD)
    return new FaultyPostgres(folder, cluster, settings, await startProcess(cluster, settings))
  }

  get url(): string {
    const socket = encodeURIComponent(this.cluster.socketFolder)
    return `postgresql://${DATABASE_USER}:${PASSWORD}@localhost/postgres?host=${socket}`
  }

  /** Everything that it wrote down. */
  log(): string {
    return readFileSync(logFileOf(this.cluster.home), 'utf8')
  }

  /** As when its machine loses power, but for the disk: nothing is written any more, nobody is told. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }

  /** After a kill; it recovers from its log first. */
  async restart(): Promise<void> {
    await stopOrphan(this.cluster)
    this.child = await startProcess(this.cluster, this.settings)
  }

  async remove(): Promise<void> {
    if (this.child.pid !== undefined) await stopProcess(this.child.pid)
    for (const folder of [this.folder, this.cluster.home, this.cluster.socketFolder])
      rmSync(folder, { recursive: true, force: true })
  }
}
