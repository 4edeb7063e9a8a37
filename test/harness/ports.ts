import { randomInt } from 'node:crypto'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 10

function tryPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port)
        else reject(new Error('The system gave no port.'))
      })
    })
  })
}

/** A port of 127.0.0.1 that nobody listens on, as the system chose it. */
export function freePort(): Promise<number> {
  return tryPort(0)
}

// Below the range that systems take the near ends of connections from: such a port is still free at a second start.
const [FIRST_KEPT, LAST_KEPT] = [20_000, 32_000]

/** A port for a program that is stopped and started again on it. */
export async function keptPort(): Promise<number> {
  for (;;) {
    const port = await tryPort(randomInt(FIRST_KEPT, LAST_KEPT)).catch(() => undefined)
    if (port !== undefined) return port
  }
}

function answersOnce(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port })
    const settle = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

/** Asks again and again until it is so. @throws when the process ended, or after a minute */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  ended: Promise<unknown>,
  timeoutMs = 60_000,
): Promise<void> {
  const gone = new AbortController()
  void ended.then(() => gone.abort())
  for (
    const deadline = Date.now() + timeoutMs;
    Date.now() < deadline && !gone.signal.aborted;
    await sleep(POLL_MS)
  )
    if (await isSo()) return
  throw new Error(`${what} ${gone.signal.aborted ? 'ended before it was ready' : 'was not ready in time'}.`)
}

export function untilPortAnswers(what: string, port: number, ended: Promise<unknown>): Promise<void> {
  return until(what, () => answersOnce(port), ended)
}
