import cluster from 'node:cluster'

/** How a process is told that it is a worker of this server: others that start it may use Node's cluster as well. */
export const WORKER_ARGUMENT = 'worker'

export function isWorker(): boolean {
  return cluster.isWorker && process.argv[2] === WORKER_ARGUMENT
}

/** Thrown where not even one worker came up; it has said why. */
export class NoWorkerError extends Error {
  override readonly name = 'NoWorkerError'
}
