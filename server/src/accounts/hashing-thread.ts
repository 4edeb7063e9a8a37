import os from 'node:os'
import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcrypt'

/** What a thread is asked for: a new hash, or whether a password is the one of a hash. */
export type Job =
  | { readonly password: string; readonly rounds: number }
  | { readonly password: string; readonly hash: string }

function work(job: Job): string | boolean {
  return 'hash' in job
    ? bcrypt.compareSync(job.password, job.hash)
    : bcrypt.hashSync(job.password, job.rounds)
}

// Whoever waits for a hash waits for a quarter of a second anyway; every other request goes before. On Linux a priority
// is a thread's own; elsewhere it would be the whole server's.
if (process.platform === 'linux') os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL)

parentPort?.on('message', (job: Job) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
  parentPort?.postMessage(work(job))
})
