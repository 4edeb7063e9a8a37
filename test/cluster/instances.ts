import { TestDatabase } from '../harness/database.js'
import { freePort } from '../harness/ports.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import type { Person } from './conversation.js'

/** Instances on one database of their own, each on a port that it keeps when it is started again. */
export class Instances {
  private readonly running = new Map<number, ServerProcess>()

  private constructor(
    readonly database: TestDatabase,
    readonly ports: readonly number[],
    private readonly settings: Record<string, string>,
  ) {}

  static async start(count: number, settings: Record<string, string>): Promise<Instances> {
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    const instances = new Instances(await TestDatabase.create(), ports, settings)
    await Promise.all(ports.map((port) => instances.run(port)))
    return instances
  }

  get bases(): string[] {
    return this.ports.map((port) => `http://127.0.0.1:${port}`)
  }

  /** What all of them said. */
  get output(): string {
    return [...this.running.values()].map((server) => server.output()).join('')
  }

  async run(port: number): Promise<void> {
    const server = spawnServer({
      SECRET_KEY,
      DATABASE_URL: this.database.url,
      PORT: String(port),
      ...this.settings,
    })
    this.running.set(port, server)
    await server.listening
  }

  /** @returns its exit code */
  async end(port: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const server = this.running.get(port)
    this.running.delete(port)
    server?.child.kill(signal)
    return server ? server.ended : null
  }

  /** @returns the exit codes */
  async stop(): Promise<(number | null)[]> {
    const codes = await Promise.all([...this.running.keys()].map((port) => this.end(port, 'SIGTERM')))
    await this.database.drop()
    return codes
  }

  async makePeople(count: number): Promise<Person[]> {
    return (await this.database.insertPeople(count)).map((id) => ({ id, token: tokenFor(id) }))
  }
}
