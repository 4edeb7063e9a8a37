import { spawn, type ChildProcess } from 'node:child_process'
import { freePort, untilPortAnswers } from './ports.js'
import { endOf, makeScratch } from './process.js'

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
    const child = spawn('redis-server', settings, { stdio: 'ignore', cwd: this.scratch.folder })
    this.child = child
    await untilPortAnswers('redis-server', this.port, endOf(child))
  }

  /** Stops it; all that it held is gone. */
  async stop(): Promise<void> {
    const { child } = this
    if (!child) return
    const ended = endOf(child)
    child.kill('SIGTERM')
    await ended
    this.child = undefined
  }

  /** It accepts what is sent to it, and answers nothing until it goes on. */
  standStill(): void {
    this.child?.kill('SIGSTOP')
  }

  goOn(): void {
    this.child?.kill('SIGCONT')
  }

  async remove(): Promise<void> {
    await this.stop()
    this.scratch.remove()
  }
}
