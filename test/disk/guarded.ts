import { expect } from 'vitest'
import { outcomeOf, request, type Answer, type RequestOptions } from '../harness/http.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'
import type { Place } from './places.js'

/** More than there are processes: each looks for itself. */
const CALLS_IN_A_ROW = 6

/** A server in a place, and one who is registered there and writes to himself. */
export class Guarded {
  readonly person = { username: 'alice', password: 'a good password', public_key: 'k' }
  id = ''

  private constructor(
    private readonly server: ServerProcess,
    private readonly base: string,
  ) {}

  static async start({ settings }: Place, minFree: string): Promise<Guarded> {
    const server = spawnServer({
      SECRET_KEY,
      LIMITS: 'off',
      MIN_FREE_DISK: minFree,
      DRAIN_SECONDS: '0',
      ...settings,
    })
    return new Guarded(server, await server.listening)
  }

  /** Of a person who registered here before, too. */
  async enter(): Promise<void> {
    const { username, password } = this.person
    await this.ask('POST', '/register', { json: this.person })
    const { json } = await this.ask('POST', '/login', { form: { username, password } })
    const token = String(Object(json).access_token)
    this.id = String(Object((await this.ask('GET', '/me', { token })).json).id)
  }

  get token(): string {
    return tokenFor(this.id)
  }

  /** The process that was started at first runs. */
  get runs(): boolean {
    return this.server.child.exitCode === null
  }

  async stop(): Promise<void> {
    this.server.child.kill('SIGTERM')
    await this.server.ended
  }

  ask(method: string, path: string, options?: RequestOptions): Promise<Answer> {
    return request(this.base, method, path, options)
  }

  send(): Promise<Answer> {
    return this.ask('POST', '/messages', {
      json: { recipient_id: this.id, ciphertext: 'c' },
      token: this.token,
    })
  }

  /** @returns how many of so many sends were taken */
  async countTaken(sends: number): Promise<number> {
    let taken = 0
    for (let at = 0; at < sends; at += 1) if ((await this.send()).status === 201) taken += 1
    return taken
  }

  async untilSendsAre(outcome: string): Promise<void> {
    const outcomes = async () => {
      const answers: string[] = []
      for (let at = 0; at < CALLS_IN_A_ROW; at += 1) answers.push(outcomeOf(await this.send()))
      return answers
    }
    await expect
      .poll(outcomes, { timeout: 15_000, interval: 200 })
      .toEqual(Array(CALLS_IN_A_ROW).fill(outcome))
  }

  /** What the metrics say of the disk; undefined where they say nothing. */
  async readGauges(): Promise<{ freeBytes: number | undefined; short: number | undefined }> {
    const { text } = await this.ask('GET', '/metrics')
    const read = (name: string): number | undefined => {
      const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
      return value === undefined ? undefined : Number(value)
    }
    return { freeBytes: read('disk_free_bytes'), short: read('disk_short') }
  }
}
