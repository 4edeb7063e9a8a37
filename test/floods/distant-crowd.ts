import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Child } from './child.js'
import type { CrowdOptions, CrowdSeen } from './crowd.js'

const crowdSeen = z.object({
  connected: z.number(),
  lastedMs: z.array(z.number()),
  told: z.record(z.string(), z.number()),
})

/** Node raises the soft limit of open files to the hard one by itself. @throws where that is too low */
export function checkOpenFiles(needed: number): void {
  const [, limit] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  if (limit !== 'unlimited' && Number(limit) < needed)
    throw new Error(`${needed} open files are needed, and ${limit} are allowed: raise "ulimit -Hn"`)
}

/** A crowd in a process of its own. */
export class DistantCrowd {
  private readonly child = new Child('crowd-process.ts')

  async gather(options: CrowdOptions): Promise<void> {
    await this.child.ask({ gather: options })
  }

  async seen(): Promise<CrowdSeen> {
    return crowdSeen.parse(await this.child.ask({}))
  }
}

/** Gathers a crowd for as long as a test runs. */
export async function gatherCrowd(options: CrowdOptions): Promise<DistantCrowd> {
  const crowd = new DistantCrowd()
  await crowd.gather(options)
  return crowd
}

/** What a crowd saw, once it had as long as the server may take. */
export async function seenBy(crowd: DistantCrowd, withinMs: number) {
  const { connected, lastedMs, told } = await crowd.seen()
  return {
    ended: lastedMs.length,
    late: lastedMs.filter((ms) => ms > withinMs).length,
    stillConnected: connected,
    longestMs: Math.round(lastedMs.reduce((a, b) => Math.max(a, b), 0)),
    told,
  }
}
