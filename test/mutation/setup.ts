import { INSTRUMENTER_CONSTANTS as NAMES } from '@stryker-mutator/api/core'
import { afterAll, beforeAll, inject } from 'vitest'
import { loadServer } from '../harness/in-process.js'

// Runs before each test file. Mutants read their state from a global object, whose name and fields Stryker gives.

declare module 'vitest' {
  export interface ProvidedContext {
    /** Which mutant is in the server; none where it is only asked what covers which. */
    mutant?: { readonly id: string; readonly hitLimit: number | undefined }
  }
  export interface TaskMeta {
    coverage?: unknown
    hits?: unknown
  }
}

const mutant = inject('mutant')
const state: Record<string, unknown> = (Reflect.get(globalThis, NAMES.NAMESPACE) as undefined) ?? {}
Reflect.set(globalThis, NAMES.NAMESPACE, state)
state[NAMES.ACTIVE_MUTANT] = mutant?.id
state[NAMES.HIT_LIMIT] = mutant?.hitLimit

// What the modules do when they are loaded concerns every file, whichever is the first.
if (inject('inProcess')) await loadServer()

// What a file leaves running counts as its own until the next begins.
// Vitest wants the first argument taken apart, wanted or not.
beforeAll(({}, { file }) => {
  state[NAMES.CURRENT_TEST_ID] = file.filepath
  state[NAMES.HIT_COUNT] = 0
})
afterAll(({}, { file }) => {
  file.meta.coverage = state[NAMES.MUTATION_COVERAGE_OBJECT]
  file.meta.hits = state[NAMES.HIT_COUNT]
})
