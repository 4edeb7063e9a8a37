import { spawn, type ChildProcess } from 'node:child_process'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeScratch } from './process.js'

const PATIENCE_MS = 10_000
const POLL_MS = 50

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

/** A Redis of a suite's own, which keeps nothing. */
export class TestRedis {
  private child: ChildProcess | undefined
  private readonly scratch = makeScratch()

  private constructor(private readonly port: number) {}

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await freePort())
    await redis.run()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async run(): Promise<void> {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    this.child = spawn('redis-server', settings, { stdio: 'ignore', cwd: this.scratch.folder })
    this.child.once('error', (error) => {
      throw new Error('redis-server is not installed', { cause: error })
    })
    const deadline = Date.now() + PATIENCE_MS
    while (!(await answers(this.port))) {
      if (Date.now() > deadline) throw new Error('Redis did not start')
      await sleep(POLL_MS)
    }
  }

  /** Stops it; all that it held is gone. */
  async stop(): Promise<void> {
    const { child } = this
    if (!child) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
    this.child = undefined
  }

  async remove(): Promise<void> {
    await this.stop()
    this.scratch.remove()
  }
}
