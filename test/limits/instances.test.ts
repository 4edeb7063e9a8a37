import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outcomeOf, request, type Answer } from '../harness/http.js'
import type { TestServer } from '../harness/process.js'
import { expectDefined, SECRET_KEY, useRelay } from '../harness/relay.js'
import { startServer } from '../harness/server.js'

const CAP = 1000
const SENDERS = 8
/** A refusal is remembered for a fifth of a second. */
const FORGOTTEN_AFTER_MS = 300
/** So many sends of each sender at once, to each instance. */
const AT_ONCE = 2
const SETTINGS = {
  LIMITS: 'on',
  LIMIT_REGISTER: 'off',
  LIMIT_SEND: 'off',
  LIMIT_REQUEST: 'off',
  MAILBOX_MAX_MESSAGES: String(CAP),
  MAILBOX_SENDER_SHARE: '1',
}

const relay = useRelay(SETTINGS)
let other: TestServer
let bases: string[]

beforeAll(async () => {
  other = startServer({ ...SETTINGS, SECRET_KEY, DATABASE_URL: relay.databaseUrl })
  bases = [relay.base, await other.listening]
})
afterAll(async () => {
  await other.stop()
})

describe('the cap of a mailbox', () => {
  test('is overshot by a tenth at most when many send through two instances at once', async () => {
    const [owner, ...senders] = await relay.users(1 + SENDERS)
    const recipient = expectDefined(owner).id
    const refusals: Answer[] = []
    let taken = 0
    const fill = async (base: string, token: string): Promise<void> => {
      for (;;) {
        const answer = await request(base, 'POST', '/messages', {
          token,
          json: { recipient_id: recipient, ciphertext: 'x' },
        })
        if (answer.status !== 201) return void refusals.push(answer)
        taken += 1
      }
    }
    await Promise.all(
      senders.flatMap(({ token }) =>
        bases.flatMap((base) => Array.from({ length: AT_ONCE }, () => fill(base, token))),
      ),
    )
    // Some may have been refused for sends under way; by now the count is exact.
    await sleep(FORGOTTEN_AFTER_MS)
    await fill(relay.base, expectDefined(senders[0]).token)
    expect(new Set(refusals.map(outcomeOf))).toEqual(new Set(['429 mailbox_full']))
    expect(taken).toBeGreaterThanOrEqual(CAP)
    expect(taken).toBeLessThanOrEqual(CAP * 1.1)
  })
})
