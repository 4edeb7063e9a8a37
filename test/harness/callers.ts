import net from 'node:net'

const PATIENCE_MS = 5000
const QUESTION = 'GET /health HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n'

/** How a call on a connection of its own ended: `reset` where it was connected and heard nothing. */
export type Ending = 'answered' | 'refused' | 'reset'

function callOnce(port: number): Promise<Ending> {
  return new Promise((resolve, reject) => {
    let [connected, answered] = [false, false]
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer, and no end')))
    socket.once('connect', () => {
      connected = true
      socket.write(QUESTION)
    })
    socket.on('data', () => (answered = true))
    socket.once('error', (error) => {
      if (error.message.startsWith('no answer')) reject(error)
    })
    socket.once('close', () => resolve(answered ? 'answered' : connected ? 'reset' : 'refused'))
  })
}

/** Calls again and again, many at once, until each was refused. @returns how often each ending was seen */
export async function callUntilRefused(port: number, callers: number): Promise<Record<Ending, number>> {
  const seen = { answered: 0, refused: 0, reset: 0 }
  const call = async (): Promise<void> => {
    for (let ending: Ending = 'answered'; ending !== 'refused'; seen[ending] += 1)
      ending = await callOnce(port)
  }
  await Promise.all(Array.from({ length: callers }, call))
  return seen
}
