import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { ApiError } from '@secure-messenger/api'
import bcrypt from 'bcrypt'
import { z } from 'zod'
import type { Job } from './hashing-thread.js'

const ROUNDS = 12
const RETRY_AFTER_SECONDS = 2
/** The compiled file also where sources run (`pnpm dev`): what loads sources does not reach into threads. */
const THREAD = new URL('../../dist/accounts/hashing-thread.js', import.meta.url)
/** Of bcrypt's own base64, which has "." for "+". */
const DIGEST_LENGTH = 31

/** One-way hashes of passwords. */
export interface Hasher {
  hash(password: string): Promise<string>
  matches(password: string, hash: string): Promise<boolean>
  /** A hash that no password is known for; comparing with it takes as long as with any. */
  decoy(): string
  /** Ends what works on passwords. */
  close(): Promise<void>
}

/**
 * bcrypt, in threads of its own: there it takes neither the event loop's time nor one of libuv's few threads. They are
 * started when they are needed, as many as work at once, which is the caller's to bound, and used again and again.
 */
export class BcryptHasher implements Hasher {
  private readonly threads = new Set<HashingThread>()

  async hash(password: string): Promise<string> {
    return z.string().parse(await this.run({ password, rounds: ROUNDS }))
  }

  async matches(password: string, hash: string): Promise<boolean> {
    return z.boolean().parse(await this.run({ password, hash }))
  }

  decoy(): string {
    const digest = randomBytes(DIGEST_LENGTH).toString('base64url').slice(0, DIGEST_LENGTH)
    return bcrypt.genSaltSync(ROUNDS) + digest.replaceAll('-', '.').replaceAll('_', '/')
  }

  /** Ends the threads. What they still work on is refused. */
  async close(): Promise<void> {
    await Promise.all([...this.threads].map((thread) => thread.end()))
  }

  private run(job: Job): Promise<unknown> {
    const idle = [...this.threads].find((thread) => thread.idle)
    return (idle ?? this.startThread()).run(job)
  }

  private startThread(): HashingThread {
    const thread = new HashingThread(() => this.threads.delete(thread))
    this.threads.add(thread)
    return thread
  }
}

interface Asker {
  readonly resolve: (answer: unknown) => void
  readonly reject: (reason: ApiError) => void
}

/** A thread that does one job at a time. When it ends, its job is refused with `unavailable`. */
class HashingThread {
  private readonly worker = new Worker(THREAD)
  private asker: Asker | undefined

  constructor(onEnd: () => void) {
    let cause: unknown
    this.worker.unref()
    this.worker.on('error', (error: unknown) => (cause = error))
    this.worker.on('exit', () => {
      onEnd()
      this.asker?.reject(new ApiError('unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS, cause }))
    })
    this.worker.on('message', (answer: unknown) => {
      this.asker?.resolve(answer)
      this.asker = undefined
    })
  }

  get idle(): boolean {
    return !this.asker
  }

  run(job: Job): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.asker = { resolve, reject }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin, windows do
      this.worker.postMessage(job)
    })
  }

  async end(): Promise<void> {
    await this.worker.terminate()
  }
}
