import type { MemoryRound } from '../document/figures.js'
import { rounded } from '../numbers.js'
import { residentMib } from '../system.js'

const SAMPLE_MS = 200

/** Watches a process's resident memory from now on. @returns ends it, and what was seen */
export function watchMemory(pid: number): () => MemoryRound {
  const ready = residentMib(pid).now
  let highest = ready
  const timer = setInterval(() => (highest = Math.max(highest, residentMib(pid).now)), SAMPLE_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    return {
      ready_mib: rounded(ready),
      sampled_mib: rounded(highest),
      peak_mib: rounded(residentMib(pid).peak),
    }
  }
}
