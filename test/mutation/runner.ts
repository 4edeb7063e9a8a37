import path from 'node:path'
import {
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  type DryRunOptions,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestRunner,
  type TestRunnerCapabilities,
} from '@stryker-mutator/api/test-runner'
import type { MutantCoverage, StrykerOptions } from '@stryker-mutator/api/core'
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import { createVitest, type TestModule, type Vitest } from 'vitest/node'

const NO_COVERAGE: MutantCoverage = { static: {}, perTest: {} }

/**
 * Runs Vitest for Stryker. A test, as Stryker counts, is a file of tests here; the mutant is active from before the
 * server is loaded until the end; and a file that fails in whatever way has found it. (Stryker's own runner of 9.6.1
 * takes a file whose loading fails for one without failures.)
 */
class SuiteRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options)
  private vitest: Vitest | undefined

  constructor(private readonly options: StrykerOptions) {}

  capabilities(): TestRunnerCapabilities {
    // Each run is a thread of its own, which loads everything anew.
    return { reloadEnvironment: true }
  }

  async init(): Promise<void> {
    const root = path.resolve('test')
    this.vitest = await createVitest('test', {
      root,
      config: path.join(root, 'vitest.mutation.config.ts'),
      watch: false,
      reporters: [{}],
    })
  }

  async dryRun({ testFiles = [] }: DryRunOptions): Promise<DryRunResult> {
    const { modules, failure } = await this.run(testFiles)
    if (failure !== undefined) return { status: DryRunStatus.Error, errorMessage: failure }
    const tests = modules.map((module) => ({
      id: module.moduleId,
      name: module.relativeModuleId,
      status: TestStatus.Success as const,
      timeSpentMs: module.diagnostic().duration,
    }))
    return {
      status: DryRunStatus.Complete,
      tests,
      mutantCoverage: modules.at(-1)?.meta().mutantCoverage ?? NO_COVERAGE,
    }
  }

  async mutantRun({ testFilter = [], activeMutant, hitLimit }: MutantRunOptions): Promise<MutantRunResult> {
    this.started.provide('mutant', {
      activeMutant: activeMutant.id,
      ...(hitLimit !== undefined && { hitLimit }),
    })
    this.started.config.bail = 1
    const { modules, failure } = await this.run(testFilter)
    const nrOfTests = modules.length
    const hits = modules.map((module) => module.meta().mutantHits ?? 0)
    if (hitLimit !== undefined && hits.some((count) => count > hitLimit))
      return { status: MutantRunStatus.Timeout, reason: 'a loop without an end' }
    if (failure === undefined) return { status: MutantRunStatus.Survived, nrOfTests }
    const killedBy = modules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId)
    return { status: MutantRunStatus.Killed, killedBy, failureMessage: failure, nrOfTests }
  }

  async dispose(): Promise<void> {
    await this.vitest?.close()
  }

  private get started(): Vitest {
    if (!this.vitest) throw new Error('the runner was not started')
    return this.vitest
  }

  /** The place of the pattern that names a file, before its first wildcard. */
  private rankOf(file: string): number {
    const beginnings = (this.options.testFiles ?? []).map((pattern) => pattern.replace(/[{*].*/, ''))
    return beginnings.findIndex((beginning) => file.includes(`/${beginning}`))
  }

  private async run(files: readonly string[]) {
    const found = await this.started.globTestSpecifications([...files])
    if (found.length === 0) throw new Error('there is no suite to run')
    const ordered = found.toSorted((a, b) => this.rankOf(a.moduleId) - this.rankOf(b.moduleId))
    // Vitest gives what it remembers of all runs: a file that failed on another mutant would count for this one.
    this.started.state.filesMap.clear()
    const { testModules, unhandledErrors } = await this.started.runTestSpecifications(ordered, true)
    const modules = testModules.filter((module) => !['queued', 'pending'].includes(module.state()))
    const failure = failureOf(modules, unhandledErrors)
    if (failure === undefined && modules.length < found.length) throw new Error('not every suite was run')
    return { modules, failure }
  }
}

function failureOf(modules: readonly TestModule[], unhandled: readonly unknown[]): string | undefined {
  const failed = modules.find((module) => !module.ok())
  if (failed) {
    const test = [...failed.children.allTests('failed')][0]
    const [error] = test?.result().errors ?? failed.errors()
    return `${test?.fullName ?? failed.relativeModuleId}: ${error?.message ?? 'it failed'}`
  }
  const [error] = unhandled
  return error === undefined
    ? undefined
    : `outside of a test: ${error instanceof Error ? error.message : 'an error'}`
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'suites', SuiteRunner)]
