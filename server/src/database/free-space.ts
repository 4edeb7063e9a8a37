import { statfs } from 'node:fs/promises'
import { ApiError, type Cap } from '@secure-messenger/api'
import type { Logger } from 'pino'

const LOOKS_EVERY_MS = 1000
/** Somebody has to make room; nobody gains from asking each second. */
const RETRY_AFTER_SECONDS = 60

/** Whether there is room on disk for what registrations and sends bring. */
export interface Room {
  readonly isShort: boolean
}

/** What is refused while room is short. Confirmations are not: they are what makes room. */
export function shortOfRoom(): ApiError {
  return new ApiError('unavailable', {
    detail: 'The server is short of disk space and takes no registrations and no messages for now.',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  })
}

async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/**
 * Free space where the database writes, looked up once a second beside the requests. A full disk ends PostgreSQL when
 * its log lies there; a server that stops taking in before goes on giving out.
 */
export class FreeSpace implements Room {
  isShort = false
  /** On the fullest of the folders' file systems; infinite where no folder is watched. */
  bytes = Number.POSITIVE_INFINITY
  private timer: NodeJS.Timeout | undefined
  private stopped = false

  private constructor(
    private readonly folders: readonly string[],
    private readonly minBytes: Cap,
    private readonly log: Logger,
  ) {}

  /**
   * Looks, and goes on looking until it is stopped.
   *
   * @throws where a folder cannot be looked at
   */
  static async watch(folders: readonly string[], minBytes: Cap, log: Logger): Promise<FreeSpace> {
    const space = new FreeSpace(folders, minBytes, log)
    if (!space.watches) return space
    await space.look()
    space.lookAgain()
    return space
  }

  /** Otherwise there is nothing to tell. */
  get watches(): boolean {
    return this.minBytes !== 'off' && this.folders.length > 0
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private lookAgain(): void {
    if (this.stopped) return
    this.timer = setTimeout(() => {
      // A look that fails leaves what was known: whether to refuse cannot hang on a folder's permissions of the moment.
      void this.look()
        .catch(() => this.log.warn('the free disk space could not be read'))
        .then(() => this.lookAgain())
    }, LOOKS_EVERY_MS)
    this.timer.unref()
  }

  private async look(): Promise<void> {
    this.bytes = Math.min(...(await Promise.all(this.folders.map(readFreeBytes))))
    const isShort = this.minBytes !== 'off' && this.bytes < this.minBytes
    if (isShort && !this.isShort)
      this.log.error('less disk is free than MIN_FREE_DISK asks for; registrations and sends are refused')
    if (!isShort && this.isShort)
      this.log.info('enough disk is free again; registrations and sends are taken')
    this.isShort = isShort
  }
}
