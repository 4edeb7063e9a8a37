import { randomBytes } from 'node:crypto'
import { Connection } from './connection.js'
import { Ledger, readPage, type Listed } from './ledger.js'
import { loginForm, logIn, makePeople, type Person } from './people.js'
import type { MakeStep } from './window.js'

const PEOPLE = 20
const CIPHERTEXT_CHARACTERS = 1024
/** Room for who sent it and its number, which make every ciphertext one of its own. */
const MARK_CHARACTERS = 24
const BODIES = 64
const PAGE = 100
export const WAITING_IN_LIST = 50

/** Ways in: the same operation under REST's path or tRPC's. */
export type Door = 'rest' | 'rpc'
const SEND_PATH = { rest: '/messages', rpc: '/trpc/messages.send' } as const

// Taken out of the text alike on both doors, so that the generator costs the same on either.
const ID = /"id":"([0-9a-f-]{36})"/

/** Works of the load generator on one server, and the ledger of all that it sends. */
export class Works {
  readonly ledger = new Ledger()
  private phase = 0
  private readonly bodies = Array.from({ length: BODIES }, () =>
    randomBytes(CIPHERTEXT_CHARACTERS)
      .toString('base64')
      .slice(0, CIPHERTEXT_CHARACTERS - MARK_CHARACTERS),
  )

  private constructor(
    private readonly port: number,
    private readonly people: readonly Person[],
  ) {}

  static async prepare(port: number): Promise<Works> {
    return new Works(port, await makePeople(port, PEOPLE))
  }

  /** Of all people, who send to each other. */
  get tokens(): string[] {
    return this.people.map(({ token }) => token)
  }

  /** Each worker sends to everybody but himself, in turn. */
  sends(door: Door): MakeStep {
    this.phase += 1
    return (worker, connection) => {
      let sequence = 0
      return async () => {
        const recipient = this.person(worker + 1 + (sequence % (PEOPLE - 1)))
        await this.send(connection, door, worker, this.person(worker), recipient, sequence++)
      }
    }
  }

  /** One step: a message is sent, listed by its recipient, and confirmed. */
  relays(): MakeStep {
    this.phase += 1
    return (worker, connection) => {
      const [recipient, sender] = [this.person(worker), this.person(worker + 1)]
      let sequence = 0
      return async () => {
        const id = await this.send(connection, 'rest', worker, sender, recipient, sequence++)
        const listed = await this.list(connection, recipient, '/messages')
        if (!listed.some((message) => message.id === id)) throw new Error(`${id} is not listed after its 201`)
        for (const message of listed) {
          await connection.ask({
            method: 'PUT',
            path: `/messages/${message.id}/delivered`,
            token: recipient.token,
          })
          this.ledger.confirm([message.id])
        }
      }
    }
  }

  /** Fills a mailbox with 50 messages. @returns reading it */
  async lists(): Promise<MakeStep> {
    this.phase += 1
    const [recipient, sender] = [this.person(0), this.person(1)]
    const connection = await Connection.open(this.port)
    for (let at = 0; at < WAITING_IN_LIST; at++) await this.send(connection, 'rest', 0, sender, recipient, at)
    const call = { method: 'GET', path: '/messages', token: recipient.token } as const
    const expected = Buffer.from(await connection.ask(call))
    connection.close()
    const listed = readPage(expected)
    this.ledger.check(listed, recipient)
    if (listed.length !== WAITING_IN_LIST) throw new Error(`${listed.length} of 50 messages are listed`)
    return (_, reader) => async () => {
      if (!expected.equals(await reader.ask(call)))
        throw new Error('a mailbox that nobody changed is listed otherwise')
    }
  }

  keys(): MakeStep {
    return (worker, connection) => {
      let at = worker
      const { token } = this.person(worker)
      return async () => {
        const { id, publicKey } = this.person(at++)
        const body = await connection.ask({ method: 'GET', path: `/public-key/${id}`, token })
        if (!body.includes(publicKey)) throw new Error(`the key of ${id} is another's`)
      }
    }
  }

  logins(): MakeStep {
    return (worker, connection) => {
      const form = loginForm(this.person(worker))
      return async () => void (await logIn(connection, form))
    }
  }

  mes(): MakeStep {
    const { id, token } = this.person(0)
    return (_, connection) => async () => {
      if (!(await connection.ask({ method: 'GET', path: '/me', token })).includes(id))
        throw new Error('me is another')
    }
  }

  /** Reads and confirms all that waits. @throws when a message is missing */
  async drain(): Promise<void> {
    await Promise.all(
      this.people.map(async (person) => {
        const connection = await Connection.open(this.port)
        const next = (): Promise<Listed> => this.list(connection, person, `/messages?limit=${PAGE}`)
        for (let listed = await next(); listed.length > 0; listed = await next()) {
          const ids = listed.map(({ id }) => id)
          const body = JSON.stringify({ ids })
          const answer = await connection.ask({
            method: 'POST',
            path: '/messages/delivered',
            token: person.token,
            body,
          })
          if (!answer.includes('"unknown":[]'))
            throw new Error(`not all were confirmed: ${answer.toString().slice(0, 300)}`)
          this.ledger.confirm(ids)
        }
        connection.close()
      }),
    )
    this.ledger.close()
  }

  private person(at: number): Person {
    const person = this.people[at % this.people.length]
    if (!person) throw new Error('nobody is registered')
    return person
  }

  private async list(connection: Connection, reader: Person, path: string): Promise<Listed> {
    const listed = readPage(await connection.ask({ method: 'GET', path, token: reader.token }))
    this.ledger.check(listed, reader)
    return listed
  }

  private async send(
    connection: Connection,
    door: Door,
    worker: number,
    sender: Person,
    recipient: Person,
    sequence: number,
  ): Promise<string> {
    const mark = `${this.phase}.${worker}.${sequence}.`.padEnd(MARK_CHARACTERS, '=')
    const ciphertext = `${mark}${this.bodies[(worker * 7 + sequence) % BODIES]}`
    const body = `{"recipient_id":"${recipient.id}","ciphertext":"${ciphertext}"}`
    const answer = await connection.ask({ method: 'POST', path: SEND_PATH[door], token: sender.token, body })
    const id = ID.exec(answer.toString('latin1'))?.[1]
    if (id === undefined)
      throw new Error(`a send was answered without an id: ${answer.toString().slice(0, 300)}`)
    this.ledger.send({ id, sender, recipient, phase: this.phase, worker, sequence, ciphertext })
    return id
  }
}
