import { readEvidence, writeEvidence } from '../harness/evidence.js'

/** Writes what one part of a run has shown; the other parts stay as they were. */
export function record(part: string, figures: Record<string, unknown>): void {
  writeEvidence('disk', { ...readEvidence('disk'), command: 'pnpm test:disk', [part]: figures })
}
