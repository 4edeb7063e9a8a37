import type net from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

const MAX_TURNS = 1000

/** @returns the port, which the system chooses for 0 */
export async function listen(server: net.Server, port: number, host: string | undefined): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host !== undefined && { host }) }, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : port
}

/** The system's socket behind a server, which Node shows nobody. */
function shortenQueue(server: net.Server): void {
  const handle: unknown = Reflect.get(server, '_handle')
  if (typeof handle !== 'object' || handle === null) return
  const listenAgain: unknown = Reflect.get(handle, 'listen')
  if (typeof listenAgain === 'function') Reflect.apply(listenAgain, handle, [0])
}

/**
 * Stops listening without cutting whoever just came. The system takes connections before the server does, a proxy
 * sends its request at once, and what is still in the system's queue when the socket closes is reset: behind nginx that
 * is a POST that answers 502. So the queue is made as short as it gets, which has the system leave further callers
 * unanswered, and the socket is closed after a turn of the event loop in which nobody came: what remains is that turn.
 *
 * @param close - closes the socket, and nothing else
 */
export async function stopListening(server: net.Server, close: () => void): Promise<void> {
  let came = 0
  const count = (): void => void (came += 1)
  server.on('connection', count)
  shortenQueue(server)
  // The rest of this turn, which may be past the place where connections are taken.
  await nextTurn()
  for (let turns = 0, before = -1; before !== came && turns < MAX_TURNS; turns++) {
    before = came
    await nextTurn()
  }
  close()
  server.off('connection', count)
}
