import type { Browser, JSHandle } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { request } from '../harness/http.js'
import { expectDefined } from '../harness/relay.js'
import type { Door } from '../live/doors.js'
import type { LiveClient } from '../live/live-client.js'
import { launchChromium } from './browser/chromium.js'
import { Site } from './browser/site.js'
import { Visit } from './browser/visit.js'
import type { Person } from './conversation.js'
import { Instances } from './instances.js'

const DOORS: Door[] = ['REST', 'tRPC']
const PATHS = ['/messages/live', '/trpc/messages.live']
const DRAINED = { event: 'drained' }
// tRPC's link waits three seconds before it opens a stream again.
const PATIENCE = { timeout: 20_000 }

const receipt = z.object({ id: z.string() })

let browser: Browser
let site: Site
let instances: Instances
/** The page listens on one instance; on the other one it is written to while that one is away. */
let [here, elsewhere] = ['', '']

beforeAll(async () => {
  browser = await launchChromium()
  site = await Site.start()
  instances = await Instances.start(2, { CORS_ORIGINS: site.origin })
  ;[here = '', elsewhere = ''] = instances.bases
})
afterAll(async () => {
  await browser.close()
  site.stop()
  expect(await instances.stop()).toEqual([0, 0])
})

let visit: Visit
let [alice, bob]: Person[] = []
beforeEach(async () => {
  ;[alice, bob] = await instances.makePeople(2)
  visit = await Visit.begin(browser, site.origin)
})
afterEach(async () => {
  await visit.end()
  expect(visit.faults).toEqual([])
})

/** @returns the message, as its recipient is to hear it */
async function send(base: string, ciphertext: string) {
  const [from, to] = [expectDefined(alice), expectDefined(bob)]
  const json = { recipient_id: to.id, ciphertext }
  const answer = await request(base, 'POST', '/messages', { json, token: from.token })
  const { id } = receipt.parse(answer.json)
  return { id, data: { id, sender_id: from.id, ciphertext } }
}

/** The last that was heard becomes this. */
async function expectHeard(client: JSHandle<LiveClient>, last: readonly object[]): Promise<void> {
  const lastHeard = async () => (await client.evaluate(({ heard }) => heard)).slice(-last.length)
  await expect.poll(lastHeard, PATIENCE).toMatchObject(last)
}

async function expectRefused(client: JSHandle<LiveClient>): Promise<void> {
  await expect.poll(() => client.evaluate(({ refused }) => refused), PATIENCE).toBe(true)
}

describe.each(DOORS)('a page that listens over %s', (door) => {
  it('hears that nothing waits, then what somebody sends, and the sender that it was delivered', async () => {
    const [from, to] = [expectDefined(alice), expectDefined(bob)]
    const sender = await visit.listen(door, here, from.token)
    const recipient = await visit.listen(door, here, to.token)
    await expectHeard(sender, [DRAINED])
    await expectHeard(recipient, [DRAINED])
    const sent = await send(elsewhere, 'comes')
    await expectHeard(recipient, [DRAINED, sent])
    await request(here, 'PUT', `/messages/${sent.id}/delivered`, { token: to.token })
    await expectHeard(sender, [DRAINED, { event: 'delivered', id: sent.id, recipient_id: to.id }])
  })

  it('comes back by itself once its server was restarted, and hears what is unconfirmed and what is new', async () => {
    const [port = 0] = instances.ports
    const client = await visit.listen(door, here, expectDefined(bob).token)
    await expectHeard(client, [DRAINED])
    const kept = await send(here, 'heard, and not confirmed')
    await expectHeard(client, [DRAINED, kept])
    expect(await instances.end(port, 'SIGTERM')).toBe(0)
    const missed = await send(elsewhere, 'sent meanwhile')
    await instances.run(port)
    await expectHeard(client, [kept, missed, DRAINED])
    await expectHeard(client, [DRAINED, await send(here, 'new')])
    expect(await client.evaluate(({ refused }) => refused)).toBe(false)
  })

  it('asks once with a token that is none, and never again', async () => {
    await visit.page.clock.install()
    const client = await visit.listen(door, here, 'none')
    await expectRefused(client)
    // Whatever the page would do within ten minutes, it does now.
    await visit.page.clock.runFor('10:00')
    expect(visit.requests.filter((path) => PATHS.includes(path))).toHaveLength(1)
    expect(await client.evaluate(({ heard }) => heard)).toEqual([])
  })
})

describe('a browser', () => {
  it('is told by the preflight that a page of a named origin may send its token', async () => {
    for (const door of DOORS)
      await expectHeard(await visit.listen(door, here, expectDefined(bob).token), [DRAINED])
    expect(visit.preflights).toEqual(PATHS.map((path) => ({ path, status: 204, allows: 'authorization' })))
    expect(visit.keptBack).toEqual([])
  })

  it.each(DOORS)('keeps a page of any other origin from listening over %s', async (door) => {
    const foreign = await Site.start()
    const stranger = await Visit.begin(browser, foreign.origin)
    const client = await stranger.listen(door, here, expectDefined(bob).token)
    await expect.poll(() => stranger.keptBack, PATIENCE).toContain('PreflightMissingAllowOriginHeader')
    expect(await client.evaluate(({ heard }) => heard)).toEqual([])
    await stranger.end()
    foreign.stop()
  })
})
