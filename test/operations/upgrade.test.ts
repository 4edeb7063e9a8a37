import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TestDatabase } from '../harness/database.js'
import { request, type Answer } from '../harness/http.js'
import { makeScratch, REPOSITORY, spawnServer, type ServerProcess } from '../harness/process.js'
import { openLive } from '../harness/stream.js'
import { SECRET_KEY } from '../harness/tokens.js'
import { buildPreviousServer, migrationsOf } from './previous-server.js'

const scratch = makeScratch()
let database: TestDatabase
let checkout = ''
let previous: ServerProcess
let present: ServerProcess

const identified = z.object({ id: z.string() })
const token = z.object({ access_token: z.string() })
const page = z.object({ messages: z.array(z.object({ id: z.string(), ciphertext: z.string() })) })

function start(main?: string): ServerProcess {
  const settings = { SECRET_KEY, DATABASE_URL: database.url, LIMITS: 'off' }
  return spawnServer(settings, main === undefined ? {} : { main })
}

function startPrevious(): ServerProcess {
  return start(path.join(checkout, 'server/dist/main.js'))
}

async function stop(server: ServerProcess | undefined): Promise<void> {
  server?.child.kill('SIGTERM')
  await server?.ended
}

async function appliedMigrations(): Promise<string[]> {
  const rows = await database.sql<{ name: string }>(
    'select migration_name as name from _prisma_migrations order by 1',
  )
  return rows.map(({ name }) => name)
}

beforeAll(async () => {
  database = await TestDatabase.create()
  checkout = await buildPreviousServer(scratch.folder)
  previous = startPrevious()
  await previous.listening
  expect(await appliedMigrations()).toEqual(migrationsOf(checkout))
  // The upgrade: from here on the previous server, which goes on, has the new schema under it.
  present = start()
  await present.listening
})
afterAll(async () => {
  await Promise.all([stop(previous), stop(present)])
  await database.drop()
  scratch.remove()
})

interface Person {
  readonly id: string
  readonly token: string
}

type Ask = (method: string, path: string, json?: unknown) => Promise<Answer>

/** Somebody's calls to one of the two servers. @throws where one is refused */
function callsOf(server: ServerProcess, by?: Person): Ask {
  return async (method, where, json) => {
    const answer = await request(await server.listening, method, where, { json, token: by?.token })
    if (answer.status >= 300) throw new Error(`${method} ${where}: ${answer.status} ${answer.text}`)
    return answer
  }
}

/** Registers through one server, and logs in through the other. */
async function join(name: string, here: ServerProcess, there: ServerProcess): Promise<Person> {
  const credentials = { username: name, password: 'a good password' }
  const made = await callsOf(here)('POST', '/register', { ...credentials, public_key: 'the first key' })
  const loggedIn = await callsOf(there)('POST', '/login', credentials)
  return { id: identified.parse(made.json).id, token: token.parse(loggedIn.json).access_token }
}

/** Everything that clients do, each step through the other server than the one before. */
async function passJourney(here: ServerProcess, there: ServerProcess): Promise<void> {
  const name = `p${randomUUID().slice(0, 8)}`
  const [alice, bob] = [await join(`${name}.a`, here, there), await join(`${name}.b`, there, here)]
  const stream = await openLive(await there.listening, bob.token)
  await stream.drained()

  const key = randomUUID()
  const letter = { recipient_id: bob.id, ciphertext: `to ${name}`, client_message_id: key }
  const { id } = identified.parse((await callsOf(here, alice)('POST', '/messages', letter)).json)
  await stream.until(() => stream.ids.includes(id))
  const again = await callsOf(there, alice)('POST', '/messages', letter)
  expect(identified.parse(again.json).id).toBe(id)
  for (const server of [here, there]) {
    const listed = page.parse((await callsOf(server, bob)('GET', '/messages')).json).messages
    expect(listed).toEqual([{ id, ciphertext: letter.ciphertext }])
  }
  await callsOf(there, bob)('PUT', `/messages/${id}/delivered`)
  const status = await callsOf(here, alice)('GET', `/messages/${id}/status?recipient_id=${bob.id}`)
  expect(status.json).toMatchObject({ status: 'delivered' })

  await callsOf(here, bob)('PUT', '/update-key', { public_key: 'the second key' })
  for (const server of [here, there]) {
    const found = await callsOf(server, alice)('GET', `/public-key/${bob.id}`)
    expect(found.json).toMatchObject({ public_key: 'the second key', key_version: 2 })
  }
  stream.close()
}

describe("the previous migration's server", () => {
  test('is one migration behind', () => {
    expect(migrationsOf(checkout)).toEqual(migrationsOf(REPOSITORY).slice(0, -1))
  })

  test('goes on beside the present one while that brings the newest schema', async () => {
    expect(await appliedMigrations()).toEqual(migrationsOf(REPOSITORY))
    await passJourney(previous, present)
    await passJourney(present, previous)
  })

  test('starts on the newest schema, for an upgrade that is taken back', async () => {
    await stop(previous)
    previous = startPrevious()
    expect((await request(await previous.listening, 'GET', '/ready')).status).toBe(200)
    await passJourney(previous, present)
    await passJourney(present, previous)
    expect(await appliedMigrations()).toEqual(migrationsOf(REPOSITORY))
  })
})
