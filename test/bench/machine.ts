import os from 'node:os'
import { readFileSync } from 'node:fs'
import type { Machine } from './document/figures.js'
import { REPOSITORY } from './places.js'
import { run, type Cleanup } from './processes.js'

const BYTES_PER_GIB = 2 ** 30

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.+)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type()
  } catch {
    return os.type()
  }
}

export function describeMachine(postgres: string): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memory_gib: Math.round((os.totalmem() / BYTES_PER_GIB) * 10) / 10,
    system: distribution(),
    kernel: os.release(),
    node: process.version,
    postgres,
    date: new Date().toISOString(),
  }
}

/** The commit that is measured, and whether anything but the document was changed since. */
export async function describeCommit(cleanup: Cleanup): Promise<string> {
  const git = (...args: string[]): Promise<string> => run(cleanup, 'git', args, { folder: REPOSITORY })
  try {
    const commit = (await git('rev-parse', '--short=12', 'HEAD')).trim()
    const changed = await git('status', '--porcelain', '--', '.', ':(exclude)docs')
    return changed.trim() ? `${commit} with changes` : commit
  } catch {
    return 'unknown'
  }
}
