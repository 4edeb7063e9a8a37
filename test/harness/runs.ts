import type fc from 'fast-check'

const DEFAULT_RUNS = 40
/** Much more than a run takes, with shrinking to come after one that fails. */
const RUN_MS = 1000

/**
 * How many runs, and which. MODEL_RUNS is a number; MODEL_SEED and MODEL_PATH repeat a run that failed, as its report
 * names them (and MODEL_REPLAY the replayPath of a sequence). Nothing else in these suites reads the environment.
 */
const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY } = process.env
const numRuns = MODEL_RUNS ? Number(MODEL_RUNS) : DEFAULT_RUNS
// None at all would pass.
if (!(numRuns >= 1)) throw new Error('MODEL_RUNS must be a number of runs')

/** @param share - how many times the usual number: cheap runs may be more */
export function runs<Ts>(share = 1): fc.Parameters<Ts> {
  return {
    numRuns: Math.ceil(numRuns * share),
    ...(MODEL_SEED && { seed: Number(MODEL_SEED) }),
    ...(MODEL_PATH && { path: MODEL_PATH }),
  }
}

export const replay = MODEL_REPLAY ? { replayPath: MODEL_REPLAY } : {}

export const timeoutMs = 60_000 + numRuns * RUN_MS
