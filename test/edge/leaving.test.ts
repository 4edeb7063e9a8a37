import http from 'node:http'
import { expect, it } from 'vitest'
import { outcomeOf } from '../harness/http.js'
import { expectDefined, useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
const DURATION_MS = 5000

/** What clients ask for and do not wait for; the subscription by several, as its window is the narrowest. */
const ASKED = [
  { path: '/trpc/messages.live' },
  { path: '/trpc/messages.live' },
  { path: '/trpc/messages.live' },
  { path: '/messages/live' },
  { path: '/messages?wait=1' },
  { path: '/trpc/auth.me,messages.list?batch=1', headers: { 'trpc-accept': 'application/jsonl' } },
]

/** Leaves within the first of the answer, or a moment after it asked. */
function leaveSometime(request: http.ClientRequest, times: number): void {
  if (times % 3 === 0) request.once('response', (answer) => answer.once('data', () => request.destroy()))
  else setTimeout(() => request.destroy(), Math.random() * (times % 3 === 1 ? 5 : 60))
}

function ask(path: string, headers: Record<string, string>, times: number): Promise<void> {
  return new Promise((resolve) => {
    const request = http.get(relay.base + path, { headers, agent: false }, (answer) => {
      answer.once('error', () => undefined).resume()
    })
    request.once('error', () => undefined).once('close', resolve)
    leaveSometime(request, times)
  })
}

async function comeAndLeave(user: TestUser, { path, headers }: (typeof ASKED)[number], until: number) {
  for (let times = 0; Date.now() < until; times++)
    await ask(path, { authorization: `Bearer ${user.token}`, ...headers }, times)
}

// An error of an event that nobody waited for any more ended the process: tRPC's producer asks for the next event
// before it hands on the last.
it('goes on serving others while clients leave at any moment of what they asked for', async () => {
  const [from, to] = await relay.users(2)
  const [sender, owner] = [expectDefined(from), expectDefined(to)]
  const until = Date.now() + DURATION_MS
  const send = async (): Promise<void> => {
    for (let sent = 0; Date.now() < until; sent++) {
      await relay.send(sender, owner, 'while they leave')
      if (sent % 20 === 0) await relay.sql('DELETE FROM messages')
    }
  }
  await Promise.all([...ASKED.map((asked) => comeAndLeave(owner, asked, until)), send()])
  expect(outcomeOf(await relay.get('/me', { token: owner.token }))).toBe('200')
})
