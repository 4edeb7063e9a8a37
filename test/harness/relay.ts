import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { z } from 'zod'
import { TestDatabase } from './database.js'
import { queryPath, request, type Answer, type RequestOptions } from './http.js'
import { makeScratch, type ServerProcess, type TestServer } from './process.js'
import { isProcess, startServer } from './server.js'
import { SECRET_KEY, tokenFor } from './tokens.js'

export { SECRET_KEY, tokenFor }

const identified = z.object({ id: z.string() })
const tokenBody = z.object({ access_token: z.string() })

/** Of all whom nobody registered. */
const PASSWORD = 'known to every test'
const PASSWORD_HASH = '$2b$12$.VIQmuQZnkK2SgtN4LFU3uEg8T0Fj9PTGdZIu8f83o7W7We0FVtjO'

interface Person {
  readonly username: string
  readonly password: string
  readonly publicKey: string
}

export interface TestUser extends Person {
  readonly id: string
  readonly token: string
}

function makePerson(): Person {
  return {
    username: `u${randomBytes(8).toString('hex')}`,
    password: `pw-${randomBytes(8).toString('hex')}`,
    publicKey: randomBytes(32).toString('base64'),
  }
}

function toUser(person: Person, id: string): TestUser {
  return { ...person, id, token: tokenFor(id) }
}

/** Waits until the server that a suite uses runs, and gives its parts. */
export class Relay {
  base = ''
  private server: TestServer | undefined
  private made: TestDatabase | undefined
  private readonly scratch = makeScratch()

  constructor(private readonly settings: Record<string, string>) {}

  async start(): Promise<void> {
    this.made = await TestDatabase.create()
    await this.startServer()
  }

  /** Starts another server on the same database; the suite's requests go to it. */
  async startServer(settings: Record<string, string> = {}): Promise<TestServer> {
    const server = startServer(
      {
        SECRET_KEY,
        DATABASE_URL: this.databaseUrl,
        LIMITS: 'off',
        LOG_LEVEL: 'info',
        ...this.settings,
        ...settings,
      },
      { cwd: this.scratch.folder },
    )
    this.server = server
    this.base = await server.listening
    return server
  }

  get database(): TestDatabase {
    if (!this.made) throw new Error('the database was not made')
    return this.made
  }

  get databaseUrl(): string {
    return this.database.url
  }

  get running(): TestServer {
    if (!this.server) throw new Error('the server was not started')
    return this.server
  }

  /** For what only a process has. */
  get process(): ServerProcess {
    const server = this.running
    if (!isProcess(server)) throw new Error('the server has no process of its own')
    return server
  }

  /** A look into the database, behind the server's back. */
  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.database.sql<Row>(text, values)
  }

  stopServer(): Promise<number | null> {
    return this.running.stop()
  }

  async stop(): Promise<void> {
    if (this.server) await this.stopServer()
    await this.made?.drop()
    this.scratch.remove()
  }

  request(method: string, path: string, options?: RequestOptions): Promise<Answer> {
    return request(this.base, method, path, options)
  }
  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('GET', path, options)
  }
  post(path: string, json: unknown, options?: RequestOptions): Promise<Answer> {
    return this.request('POST', path, { json, ...options })
  }
  put(path: string, json: unknown, options?: RequestOptions): Promise<Answer> {
    return this.request('PUT', path, { json, ...options })
  }
  query(name: string, input?: unknown, options?: RequestOptions): Promise<Answer> {
    return this.get(queryPath(name, input), options)
  }
  mutate(name: string, input?: unknown, options?: RequestOptions): Promise<Answer> {
    return this.post(`/trpc/${name}`, input, options)
  }

  /**
   * Somebody new, whom nobody registered: a password's hash takes a third of a second, and there are hundreds of them. For
   * all that a registration itself must do there is `register`.
   */
  async user(): Promise<TestUser> {
    const person = { ...makePerson(), password: PASSWORD }
    const [account] = await this.sql<{ id: string }>(
      `with account as (insert into users (username, password_hash) values ($1, $2) returning id)
        insert into public_keys (user_id, public_key, fingerprint)
        select id, $3, encode(sha256(convert_to($3, 'UTF8')), 'hex') from account returning user_id as id`,
      [person.username, PASSWORD_HASH, person.publicKey],
    )
    return toUser(person, identified.parse(account).id)
  }

  /** Somebody new, registered as people are; only the token is made here, to spare a second hash. */
  async register(over: Partial<Person> = {}): Promise<TestUser> {
    const person = { ...makePerson(), ...over }
    const { username, password, publicKey } = person
    const made = await this.post('/register', { username, password, public_key: publicKey })
    if (made.status !== 201) throw new Error(`no registration: ${made.text}`)
    return toUser(person, identified.parse(made.json).id)
  }

  users(count: number): Promise<TestUser[]> {
    return Promise.all(Array.from({ length: count }, () => this.user()))
  }

  async login(username: string, password: string, options: RequestOptions = {}): Promise<string> {
    const answer = await this.request('POST', '/login', { form: { username, password }, ...options })
    return tokenBody.parse(answer.json).access_token
  }

  /** Sends and gives the message's id. */
  async send(from: TestUser, to: TestUser, ciphertext: string, clientMessageId?: string): Promise<string> {
    const answer = await this.post(
      '/messages',
      { recipient_id: to.id, ciphertext, ...(clientMessageId && { client_message_id: clientMessageId }) },
      { token: from.token },
    )
    if (answer.status !== 201) throw new Error(`not sent: ${answer.text}`)
    return identified.parse(answer.json).id
  }

  async inbox(of: TestUser, search = ''): Promise<Inbox> {
    return inbox.parse((await this.get(`/messages${search}`, { token: of.token })).json)
  }

  confirm(of: TestUser, id: string): Promise<Answer> {
    return this.request('PUT', `/messages/${id}/delivered`, { token: of.token })
  }
}

const inbox = z.strictObject({
  messages: z.array(
    z.strictObject({
      id: z.string(),
      sender_id: z.string(),
      ciphertext: z.string(),
      created_at: z.string(),
      expires_at: z.string(),
    }),
  ),
  more: z.boolean(),
})
export type Inbox = z.infer<typeof inbox>

/** A server of the suite's own on a database of its own, for as long as the file's tests run. */
export function useRelay(settings: Record<string, string> = {}): Relay {
  const relay = new Relay(settings)
  beforeAll(() => relay.start())
  afterAll(() => relay.stop())
  return relay
}

export function expectDefined<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('expected a value')
  return value
}
