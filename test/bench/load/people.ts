import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Connection } from './connection.js'

/** As many register at once as keep two cores busy with hashing. */
const AT_ONCE = 4
const JSON_KEY_BYTES = 32

export interface Person {
  readonly id: string
  readonly username: string
  readonly password: string
  readonly publicKey: string
  readonly token: string
}

const registered = z.object({ id: z.string() })
const loggedIn = z.object({ access_token: z.string() })

export function loginForm({ username, password }: Pick<Person, 'username' | 'password'>): string {
  return new URLSearchParams({ username, password }).toString()
}

/** Logs in. @returns the token */
export async function logIn(connection: Connection, form: string): Promise<string> {
  const body = await connection.ask({ method: 'POST', path: '/login', form: true, body: form })
  return loggedIn.parse(JSON.parse(body.toString())).access_token
}

async function makePerson(connection: Connection): Promise<Person> {
  const username = `u${randomBytes(8).toString('hex')}`
  const password = `pw-${randomBytes(8).toString('hex')}`
  const publicKey = randomBytes(JSON_KEY_BYTES).toString('base64')
  const body = JSON.stringify({ username, password, public_key: publicKey })
  const { id } = registered.parse(
    JSON.parse((await connection.ask({ method: 'POST', path: '/register', body })).toString()),
  )
  return {
    id,
    username,
    password,
    publicKey,
    token: await logIn(connection, loginForm({ username, password })),
  }
}

/** Registers so many and logs them in. */
export async function makePeople(port: number, count: number): Promise<Person[]> {
  const people: Person[] = []
  let begun = 0
  const registerSome = async (): Promise<void> => {
    const connection = await Connection.open(port)
    while (begun++ < count) people.push(await makePerson(connection))
    connection.close()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, registerSome))
  return people
}
