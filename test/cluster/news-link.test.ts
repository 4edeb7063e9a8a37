import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DatabaseLink } from '../harness/database-link.js'
import { request } from '../harness/http.js'
import { spawnServer, type ServerProcess } from '../harness/process.js'
import { SECRET_KEY, tokenFor, useRelay } from '../harness/relay.js'
import { openLive } from '../harness/stream.js'

/** An instance says every 15 seconds that it is there, and waits 5 for the answer. */
const NOTICED_WITHIN_MS = 25_000

const relay = useRelay()
const newsConnections = new Set<number>()
let link: DatabaseLink
let other: ServerProcess
let otherBase = ''

beforeAll(async () => {
  link = await DatabaseLink.open(relay.databaseUrl, {
    toDatabase(bytes, connection) {
      if (bytes.includes('application_name\0secure-messenger news')) newsConnections.add(connection)
    },
  })
  other = spawnServer({ SECRET_KEY, DATABASE_URL: link.url, LIMITS: 'off' })
  otherBase = await other.listening
})
afterAll(async () => {
  other.child.kill('SIGTERM')
  await other.ended
  await link.close()
})

it('An instance whose news stands still, and is told by nobody, notices by itself and looks again', async () => {
  const [from = '', to = ''] = await relay.database.insertPeople(2)
  const stream = await openLive(otherBase, tokenFor(to))
  await stream.drained()
  const send = async (ciphertext: string): Promise<void> => {
    const json = { recipient_id: to, ciphertext }
    const sent = await request(relay.base, 'POST', '/messages', { json, token: tokenFor(from) })
    expect(sent.status).toBe(201)
  }
  await send('while everybody hears')
  await stream.until(() => stream.ids.length === 1)
  expect(newsConnections.size).toBe(1)
  // Both have told each other everything that there was before they met.
  await sleep(1000)
  link.stallOnly(newsConnections)
  await send('while nobody hears')
  await stream.until(() => stream.ids.length === 2, NOTICED_WITHIN_MS)
  expect(newsConnections.size).toBe(2)
  stream.close()
}, 60_000)
