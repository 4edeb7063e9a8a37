import { write, writeSync } from 'node:fs'

/** A write for each line cost a send a tenth of its time. */
const BUFFER_BYTES = 3072
/** What is no longer arrives in one piece, also in a pipe that several processes write into (PIPE_BUF of Linux). */
const MAX_WRITE_BYTES = 4096
const FLUSH_INTERVAL_MS = 200
/** What cannot be written must not fill the memory either. */
const MAX_WAITING_BYTES = 1_048_576
/** A pipe whose reader is slow says "again". */
const PAUSE_MS = 20
const MAX_PAUSES = 50

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
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

  constructor(private readonly file: number) {
    setInterval(() => this.flush(), FLUSH_INTERVAL_MS).unref()
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.waitingBytes + bytes > MAX_WAITING_BYTES) return
    const last = this.pieces.length - 1
    if (last >= 0 && this.lastBytes + bytes <= MAX_WRITE_BYTES) {
      this.pieces[last] += line
      this.lastBytes += bytes
    } else {
      this.pieces.push(line)
      this.lastBytes = bytes
    }
    this.waitingBytes += bytes
    if (this.waitingBytes >= BUFFER_BYTES) this.flush()
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
      if (!error && this.waitingBytes >= BUFFER_BYTES) this.flush()
    })
  }
}
