import path from 'node:path'
import type { MutantResult } from '@stryker-mutator/api/core'
import { z } from 'zod'

/** Of all mutants; what takes longer than this share counts as a survivor. */
const TIMEOUT_SHARE = 0.05

const counts = z.object({
  mutants: z.int(),
  killed: z.int(),
  survived: z.int(),
  timedOut: z.int(),
  /** Nothing runs them. They count as survivors. */
  uncovered: z.int(),
})
export type Counts = z.infer<typeof counts>

const folderReport = counts.extend({
  started: z.string(),
  ended: z.string(),
  score: z.number(),
  /** Where each mutant stands that was not killed, and what it does. */
  left: z.array(z.string()),
})
export type FolderReport = z.infer<typeof folderReport>

/** By folder, what came of its last run. */
export const folderReports = z.record(z.string(), z.union([folderReport, z.literal('not run')]))
export type FolderReports = z.infer<typeof folderReports>

/** In percent, to a tenth. */
export function scoreOf({ mutants, killed, timedOut }: Counts): number {
  const detected = killed + Math.min(timedOut, mutants * TIMEOUT_SHARE)
  return Math.floor((1000 * detected) / mutants) / 10
}

export function sum(all: readonly Counts[]): Counts {
  const of = (key: keyof Counts): number => all.reduce((total, one) => total + one[key], 0)
  return {
    mutants: of('mutants'),
    killed: of('killed'),
    survived: of('survived'),
    timedOut: of('timedOut'),
    uncovered: of('uncovered'),
  }
}

/** One line: what stands there instead, as far as a line goes. */
function describe({ fileName, location, status, mutatorName, replacement }: MutantResult): string {
  const place = `${path.relative('', fileName)}:${location.start.line}:${location.start.column}`
  return `${place} ${status} ${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ').slice(0, 100)}`
}

export function reportOf(results: readonly MutantResult[], started: Date, ended: Date): FolderReport {
  const count = (...wanted: MutantResult['status'][]): number =>
    results.filter(({ status }) => wanted.includes(status)).length
  const found = {
    mutants: results.length,
    killed: count('Killed'),
    survived: count('Survived'),
    timedOut: count('Timeout'),
    uncovered: count('NoCoverage'),
  }
  const left = results.filter(({ status }) => status !== 'Killed').map(describe)
  const times = { started: started.toISOString(), ended: ended.toISOString() }
  return { ...times, ...found, score: scoreOf(found), left: left.toSorted() }
}
