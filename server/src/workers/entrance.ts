import type { Worker } from 'node:cluster'
import net, { type Socket } from 'node:net'
import { listen, stopListening } from '../http/listening.js'

/**
 * Where a server of several processes is listened for: connections go to the workers in turn. Node's own way
 * (`listen` in a cluster's worker) resets what is on its way to a worker when the last of them stops listening.
 */
export class Entrance {
  private readonly server = net.createServer({ pauseOnConnect: true }, (socket) => this.hand(socket))
  private readonly workers: Worker[] = []

  /** @returns the port, which the system chooses for 0 */
  listen(port: number, host: string | undefined): Promise<number> {
    return listen(this.server, port, host)
  }

  /** Hands connections to the worker, too, until it leaves. */
  open(worker: Worker): void {
    this.workers.push(worker)
    worker.once('exit', () => this.leave(worker))
  }

  leave(worker: Worker): void {
    const at = this.workers.indexOf(worker)
    if (at >= 0) this.workers.splice(at, 1)
  }

  /** Takes no new connection. Those that were taken are handed on. */
  async close(): Promise<void> {
    if (this.server.listening) await stopListening(this.server, () => this.server.close())
  }

  private hand(socket: Socket): void {
    const worker = this.workers.shift()
    if (!worker) return void socket.destroy()
    this.workers.push(worker)
    socket.once('error', () => socket.destroy())
    // A worker that ended meanwhile takes the connection with it.
    worker.send({ connection: true }, socket, (error) => {
      if (error) socket.destroy()
    })
  }
}
