import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from '../../harness/process.js'
import type { PurgeResult } from './purging.js'
import type { Work } from './works.js'

const FILE = path.join(REPOSITORY, 'docs/performance.json')
const others = z.record(z.string(), z.unknown())

export interface Point {
  readonly work: Work
  readonly empty_per_s: number
  readonly full_per_s: number
  readonly ratio_full: number
  readonly after_churn_per_s?: number
  readonly ratio_after_churn?: number
}

/** What was measured; null where it was not run. */
export interface Growth {
  readonly rows: number
  readonly users: number
  readonly points: readonly Point[]
  readonly churn: { readonly minutes: number; readonly confirmations: number } | null
  readonly purge: PurgeResult | null
}

/** Writes the key `growth` of docs/performance.json; what else stands there stays. */
export function writeGrowth(growth: Growth): void {
  const rest = existsSync(FILE) ? others.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : {}
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: REPOSITORY, encoding: 'utf8' })
  const dated = { date: new Date().toISOString().slice(0, 10), commit: commit.trim(), ...growth }
  writeFileSync(FILE, `${JSON.stringify({ ...rest, growth: dated }, null, 2)}\n`)
}
