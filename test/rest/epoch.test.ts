import { randomBytes } from 'node:crypto'
import os from 'node:os'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Answer } from '../harness/http.js'
import { spawnServer } from '../harness/process.js'
import { runProgram } from '../harness/program.js'
import { SECRET_KEY, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'

const relay = useRelay({ CORS_ORIGINS: 'https://chat.example' })
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Processes of their own refuse the database of the mutants, which flushes nothing. */
const onProcesses = test.skipIf(inProcess)
const ready = z.strictObject({ status: z.literal('ready'), epoch: z.string().regex(UUID) })

async function readyEpoch(): Promise<string> {
  return ready.parse((await relay.get('/ready')).json).epoch
}

function epochOf({ headers }: Answer): string {
  return z.string().regex(UUID).parse(headers['relay-epoch'])
}

function restored(): Promise<string> {
  return runProgram('restored', { DATABASE_URL: relay.databaseUrl }, os.tmpdir())
}

/** Starts a server on the database, and ends it. */
async function startOnce(url = relay.databaseUrl): Promise<void> {
  const server = spawnServer({ SECRET_KEY, DATABASE_URL: url })
  await server.listening
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
}

describe('the epoch', () => {
  test('is told by /ready and by each login, through either door and in a batch, and by no refusal', async () => {
    const { username, password } = await relay.user()
    const epoch = await readyEpoch()
    const credentials = { username, password }
    const origin = { headers: { origin: 'https://chat.example' } }
    const logins = [
      await relay.request('POST', '/login', { form: credentials, ...origin }),
      await relay.post('/login', credentials),
      await relay.mutate('auth.login', credentials),
      await relay.post('/trpc/auth.login?batch=1', { 0: credentials }),
    ]
    expect(logins.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(logins.map(epochOf)).toEqual([epoch, epoch, epoch, epoch])
    expect(logins[0]?.headers['access-control-expose-headers']).toContain('Relay-Epoch')
    const refused = await relay.post('/login', { username, password: 'another password' })
    expect(refused.status).toBe(401)
    expect(refused.headers['relay-epoch']).toBeUndefined()
  })

  onProcesses(
    'changes by db:restored, which a running server tells at the next login and within a second in /ready',
    async () => {
      const { username, password } = await relay.user()
      const before = await readyEpoch()
      const said = await restored()
      const after = epochOf(await relay.post('/login', { username, password }))
      expect(after).not.toBe(before)
      expect(said).toContain(`A new epoch has begun, ${after}: `)
      await expect.poll(readyEpoch, { timeout: 3000 }).toBe(after)
    },
  )

  onProcesses('stays the same over starts, but for the first on another cluster of PostgreSQL', async () => {
    const read = () => relay.sql<{ id: string; system: string }>('select id, system from epoch')
    const [first] = await read()
    await startOnce()
    expect(await read()).toEqual([first])
    // What a dump brings along that is restored elsewhere.
    await relay.sql('update epoch set system = 1')
    await startOnce()
    const [moved] = await read()
    expect(moved?.id).not.toBe(first?.id)
    expect(moved?.system).toBe(first?.system)
    await startOnce()
    expect(await read()).toEqual([moved])
  })

  onProcesses('stays the same where the server may not read what cluster it is', async () => {
    const role = `plain_${randomBytes(4).toString('hex')}`
    await relay.sql(`create role ${role} login password 'secret'`)
    await relay.sql(`grant select, insert, update, delete on all tables in schema public to ${role}`)
    await relay.sql('revoke execute on function pg_control_system() from public')
    await relay.sql('update epoch set system = 1')
    const epoch = await readyEpoch()
    const url = new URL(relay.databaseUrl)
    Object.assign(url, { username: role, password: 'secret' })
    await startOnce(url.toString())
    expect(await relay.sql('select id, system from epoch')).toEqual([{ id: epoch, system: '1' }])
    await relay.sql(`drop owned by ${role}`)
    await relay.sql(`drop role ${role}`)
  })
})
