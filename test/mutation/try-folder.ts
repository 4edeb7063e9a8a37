import path from 'node:path'
import type { MutantResult } from '@stryker-mutator/api/core'
import { Stryker } from '@stryker-mutator/core'
import type { Folder } from './folders.js'

/** A hanging mutant is told from a slow one by this, on top of twice the time that its suites take. */
const PATIENCE_MS = 20_000

/** Of Node, which reads no TypeScript by itself. */
const WITH_TYPESCRIPT = ['--import', 'tsx']

/** Tries every mutant of a folder on its suites. @param work - a folder for copies of the repository with mutants in it */
export function tryFolder(
  { mutate, suites }: Folder,
  concurrency: number,
  work: string,
): Promise<MutantResult[]> {
  const stryker = new Stryker({
    mutate: [...mutate],
    testFiles: suites.map((suite) => `test/${suite}{.test.ts,/**/*.test.ts}`),
    testRunner: 'suites',
    plugins: [path.resolve('test/mutation/runner.ts')],
    testRunnerNodeArgs: WITH_TYPESCRIPT,
    // Its processes load the runner, too, and check nothing.
    checkerNodeArgs: WITH_TYPESCRIPT,
    coverageAnalysis: 'perTest',
    concurrency,
    ignorePatterns: ['data', 'docs/evidence', 'test/bench', '*.tsbuildinfo'],
    tempDirName: work,
    // Rewriting one takes an interface that TypeScript 7 does not have; nothing here reads it.
    tsconfigFile: 'none',
    timeoutMS: PATIENCE_MS,
    timeoutFactor: 2,
    reporters: ['progress-append-only'],
  })
  return stryker.runMutationTest()
}
