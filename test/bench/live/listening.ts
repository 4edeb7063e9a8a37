import net from 'node:net'

const OPENED_AT_ONCE = 100

/** Is told of each message as it arrives. */
export type Arrived = (ciphertext: string, at: number) => void

/** Streams on bare sockets: ten thousand of node:http's would take more memory than the server. */
export class Streams {
  private readonly sockets: net.Socket[] = []

  private constructor(
    private readonly port: number,
    private readonly arrived: Arrived,
  ) {}

  /** Opens a stream for each token; returns when all are drained. */
  static async open(
    port: number,
    tokens: readonly string[],
    arrived: Arrived = () => undefined,
  ): Promise<Streams> {
    const streams = new Streams(port, arrived)
    let next = 0
    const openSome = async (): Promise<void> => {
      for (let token = tokens[next++]; token !== undefined; token = tokens[next++])
        await streams.openOne(token)
    }
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openSome))
    return streams
  }

  async close(): Promise<void> {
    const closed = this.sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(closed)
  }

  private openOne(token: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port: this.port })
      let [head, rest] = ['', '']
      socket.setEncoding('latin1')
      socket.once('error', reject)
      socket.once('close', () => reject(new Error(`a stream was closed: ${head.slice(0, 200)}`)))
      socket.on('data', (text: string) => {
        const at = performance.now()
        head = head.length < 200 ? head + text : head
        rest += text
        for (const [, ciphertext] of rest.matchAll(/"ciphertext":"([^"]*)"/g))
          this.arrived(ciphertext ?? '', at)
        rest = rest.slice(Math.max(0, rest.lastIndexOf('\n\n')))
        if (text.includes('event: drained')) resolve()
      })
      socket.write(`GET /messages/live HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`)
      this.sockets.push(socket)
    })
  }
}
