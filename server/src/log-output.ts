import { fstatSync, write, writeSync } from 'node:fs'

/** What is no longer arrives in one piece, also in a pipe that several processes write into (PIPE_BUF of Linux). */
const PIPE_WRITE_BYTES = 4096
/** A file takes any length in one piece. */
const FILE_WRITE_BYTES = 65_536
/** Lines are written once they fill so much of a write: one for each line cost a send a tenth of its time. */
const FULL = 0.75
const FLUSH_INTERVAL_MS = 200
/** What cannot be written must not fill the memory either. */
const MAX_WAITING_BYTES = 1_048_576
/** A pipe whose reader is slow says "again". */
const PAUSE_MS = 20
const MAX_PAUSES = 50

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function isFile(file: number): boolean {
  try {
    // As a bigint: after a plain look at a pipe, Node 20 stops resolving links, and with them imports. (Its realpathSync
    // takes the result of whatever was looked at last for its own.)
    return fstatSync(file, { bigint: true }).isFile()
  } catch {
    return false
  }
}

function pauseSync(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
}

/**
 * Where the log's lines go. Those that cannot be written are lost: on a full disk pino's own destination first ends the
 * process, and then keeps it from ending, for it tries its last lines until they fit.
 */
export class LogOutput {
  private readonly pieces: string[] = []
  private lastBytes = 0
  private waitingBytes = 0
  private writing = false
  private readonly writeBytes: number

  constructor(private readonly file: number) {
    this.writeBytes = isFile(file) ? FILE_WRITE_BYTES : PIPE_WRITE_BYTES
    setInterval(() => this.flush(), FLUSH_INTERVAL_MS).unref()
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.waitingBytes + bytes > MAX_WAITING_BYTES) return
    const last = this.pieces.length - 1
    if (last >= 0 && this.lastBytes + bytes <= this.writeBytes) {
      this.pieces[last] += line
      this.lastBytes += bytes
    } else {
      this.pieces.push(line)
      this.lastBytes = bytes
    }
    this.waitingBytes += bytes
    if (this.isFull) this.flush()
  }

  /** Writes what waits before it returns, as far as that is possible. */
  flushSync(): void {
    for (let pauses = 0, bytes = this.take(); bytes;) {
      try {
        bytes = bytes.subarray(writeSync(this.file, bytes))
        if (bytes.length === 0) bytes = this.take()
      } catch (error) {
        if (!isBusy(error) || pauses === MAX_PAUSES) return
        pauses += 1
        pauseSync()
      }
    }
  }

  private get isFull(): boolean {
    return this.waitingBytes >= FULL * this.writeBytes
  }

  private take(): Buffer | undefined {
    const piece = this.pieces.shift()
    if (piece === undefined) return undefined
    const bytes = Buffer.from(piece)
    this.waitingBytes -= bytes.length
    return bytes
  }

  private flush(): void {
    if (this.writing) return
    const bytes = this.take()
    if (bytes) this.send(bytes)
  }

  private send(bytes: Buffer): void {
    this.writing = true
    write(this.file, bytes, (error, written) => {
      if (isBusy(error)) return void setTimeout(() => this.send(bytes), PAUSE_MS)
      if (!error && written < bytes.length) return this.send(bytes.subarray(written))
      this.writing = false
      if (!error && this.isFull) this.flush()
    })
  }
}
