import { readdirSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestModule } from 'vitest/node'
import { writeEvidence } from '../harness/evidence.js'

declare module 'vitest' {
  interface TaskMeta {
    /** What a test measured, for the evidence. */
    figures?: Record<string, unknown>
  }
}

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Writes what was measured, by the tests' names. A run of a part of them leaves the evidence as it is. */
export class EvidenceReporter implements Reporter {
  private startedAt = new Date()
  private loadBefore = 0

  onTestRunStart(): void {
    this.startedAt = new Date()
    this.loadBefore = os.loadavg()[0] ?? 0
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    for (const test of tests)
      process.stdout.write(`${test.name}: ${JSON.stringify(test.meta().figures ?? 'no figures')}\n`)
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts'))
    const whole = modules.length === files.length && tests.every((test) => test.result().state !== 'skipped')
    if (!whole) return
    writeEvidence('floods', {
      command: 'pnpm test:floods',
      started: this.startedAt.toISOString(),
      ended: new Date().toISOString(),
      cores: os.availableParallelism(),
      // What else the machine had to do: times that were measured beside much else tell of that.
      loadBefore: this.loadBefore,
      tests: Object.fromEntries(
        tests.map((test) => [test.fullName, { result: test.result().state, ...test.meta().figures }]),
      ),
    })
  }
}
