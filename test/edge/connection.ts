import net from 'node:net'

/** How a connection ended, and all that was said on it, byte by byte as latin1. */
export interface Conversation {
  readonly said: string
  readonly closed: boolean
}

interface SpeakOptions {
  /** Bytes, as latin1, a write each. */
  readonly writes: readonly string[]
  /** Nothing more will be sent: once nothing was heard for so long, the client says so. Without it, it never does. */
  readonly hangsUpAfterMs?: number
  readonly deadlineMs: number
}

/** Writes bytes as they are, and listens until the server closes the connection or the deadline is over. */
export function speak(
  base: string,
  { writes, hangsUpAfterMs, deadlineMs }: SpeakOptions,
): Promise<Conversation> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    let said = ''
    const socket = net.connect({ port: Number(port), host: hostname, noDelay: true, allowHalfOpen: true })
    let quiet: NodeJS.Timeout | undefined
    const listen = (): void => {
      clearTimeout(quiet)
      if (hangsUpAfterMs !== undefined) quiet = setTimeout(() => socket.end(), hangsUpAfterMs)
    }
    const finish = (closed: boolean): void => {
      clearTimeout(quiet)
      clearTimeout(deadline)
      socket.destroy()
      resolve({ said, closed })
    }
    const deadline = setTimeout(() => finish(false), deadlineMs)
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1')
      listen()
    })
    socket.on('end', () => finish(true))
    // A reset is an end, too: the server had enough while the client was still writing.
    socket.on('error', () => finish(true))
    socket.on('connect', () => {
      void writeAll(socket, writes)
      listen()
    })
  })
}

/** Each write goes out by itself: the next follows when the system has taken it. */
async function writeAll(socket: net.Socket, writes: readonly string[]): Promise<void> {
  for (const write of writes) {
    if (!socket.writable) return
    await new Promise<void>((resolve) => {
      socket.write(write, 'latin1', () => resolve())
    })
  }
}
