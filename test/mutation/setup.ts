import type { InstrumenterContext, MutantCoverage } from '@stryker-mutator/api/core'
import { afterAll, beforeAll, inject } from 'vitest'
import { loadServer } from '../harness/in-process.js'

declare global {
  // What Stryker puts into the sources keeps its state here.
  var __stryker__: InstrumenterContext | undefined
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Which mutant is in the server; none where it is only asked what covers which. */
    mutant?: Pick<InstrumenterContext, 'activeMutant' | 'hitLimit'>
  }
  export interface TaskMeta {
    mutantCoverage?: MutantCoverage | undefined
    mutantHits?: number | undefined
  }
}

// This runs before each file of tests.
const state = (globalThis.__stryker__ ??= {})
Object.assign(state, inject('mutant'))

// What the modules do when they are loaded concerns every file, whichever is the first.
await loadServer()

// What a file leaves running counts as its own until the next begins.
// oxlint-disable-next-line no-empty-pattern -- Vitest wants the first argument taken apart
beforeAll(({}, { file }) => {
  state.currentTestId = file.filepath
  state.hitCount = 0
})
// oxlint-disable-next-line no-empty-pattern -- as above
afterAll(({}, { file }) => {
  file.meta.mutantCoverage = state.mutantCoverage
  file.meta.mutantHits = state.hitCount
})
