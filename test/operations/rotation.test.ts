import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { TestDatabase } from '../harness/database.js'
import { outcomeOf, request } from '../harness/http.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { tokenFor } from '../harness/tokens.js'

const OLD = 'the-old-key-of-this-suite-0123456789abcdef'
const NEXT = 'the-next-key-of-this-suite-0123456789abcde'
const person = { username: 'alice', password: 'a good password' }

interface Keys {
  readonly SECRET_KEY: string
  readonly SECRET_KEY_PREVIOUS?: string
}

let database: TestDatabase
let instances: ServerProcess[] = []
let userId = ''

function startInstance(keys: Keys): ServerProcess {
  return spawnServer({ ...keys, DATABASE_URL: database.url, LIMITS: 'off' })
}

async function stopInstance(instance: ServerProcess | undefined): Promise<void> {
  instance?.child.kill('SIGTERM')
  await instance?.ended
}

async function restart(at: number, keys: Keys): Promise<void> {
  await stopInstance(instances[at])
  const instance = startInstance(keys)
  instances[at] = instance
  await instance.listening
}

async function loginAt(instance: ServerProcess): Promise<string> {
  const answer = await request(await instance.listening, 'POST', '/login', { json: person })
  return z.object({ access_token: z.string() }).parse(answer.json).access_token
}

/** What both instances say to each token. */
async function outcomesOf(tokens: readonly string[]): Promise<string[]> {
  const asked = instances.flatMap((instance) =>
    tokens.map(async (token) => outcomeOf(await request(await instance.listening, 'GET', '/me', { token }))),
  )
  return Promise.all(asked)
}

beforeAll(async () => {
  database = await TestDatabase.create()
  instances = [startInstance({ SECRET_KEY: OLD }), startInstance({ SECRET_KEY: OLD })]
  const [base = ''] = await Promise.all(instances.map((instance) => instance.listening))
  const made = await request(base, 'POST', '/register', { json: { ...person, public_key: 'k' } })
  userId = z.object({ id: z.string() }).parse(made.json).id
})
afterAll(async () => {
  await Promise.all(instances.map(stopInstance))
  await database.drop()
})

test('an instance that signs with a key before the others accept it has its tokens refused by them', async () => {
  await restart(0, { SECRET_KEY: NEXT, SECRET_KEY_PREVIOUS: OLD })
  const [first] = instances
  if (!first) throw new Error('no instance')
  expect(await outcomesOf([await loginAt(first)])).toEqual(['200', '401 not_authenticated'])
  await restart(0, { SECRET_KEY: OLD })
})

test('a key is rotated over two instances, one after the other, and no token is refused at any moment', async () => {
  const tokens: string[] = []
  const check = async (): Promise<void> => {
    for (const instance of instances) tokens.push(await loginAt(instance))
    expect(new Set(await outcomesOf(tokens))).toEqual(new Set(['200']))
  }
  await check()
  const steps: Keys[] = [
    { SECRET_KEY: OLD, SECRET_KEY_PREVIOUS: NEXT },
    { SECRET_KEY: NEXT, SECRET_KEY_PREVIOUS: OLD },
  ]
  for (const keys of steps)
    for (const at of instances.keys()) {
      await restart(at, keys)
      await check()
    }

  // Half an hour later: what was signed with the old key has ended, and the old key goes.
  const signedLater = await Promise.all(instances.map(loginAt))
  for (const at of instances.keys()) {
    await restart(at, { SECRET_KEY: NEXT })
    expect(new Set(await outcomesOf(signedLater))).toEqual(new Set(['200']))
  }
  // One that whoever has the old key makes today.
  expect(await outcomesOf([tokenFor(userId, {}, OLD)])).toEqual([
    '401 not_authenticated',
    '401 not_authenticated',
  ])
  expect(await outcomesOf([tokenFor(userId, {}, NEXT)])).toEqual(['200', '200'])
})
