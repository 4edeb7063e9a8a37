import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestNginx } from '../harness/nginx.js'
import { TestRedis } from '../harness/redis.js'
import { Conversation } from './conversation.js'
import { Instances } from './instances.js'

const MESSAGES = 2000
const PEOPLE = 20

let redis: TestRedis
let instances: Instances
let nginx: TestNginx

beforeAll(async () => {
  redis = await TestRedis.start()
  instances = await Instances.start(2, {
    LOG_LEVEL: 'warn',
    REDIS_URL: redis.url,
    TRUST_PROXY: '127.0.0.0/8',
  })
  nginx = await TestNginx.start(instances.ports.map((port) => `127.0.0.1:${port}`))
})
afterAll(async () => {
  await nginx.stop()
  await instances.stop()
  await redis.remove()
})

/** A conversation of 2,000 messages through nginx, while something happens again and again. */
async function converseWhile(disturb: () => Promise<void>): Promise<Conversation> {
  const conversation = new Conversation(nginx.base, await instances.makePeople(PEOPLE))
  const endListening = await conversation.listen()
  const spoken = new AbortController()
  const disturbing = async (): Promise<void> => {
    do {
      await sleep(300)
      await disturb()
    } while (!spoken.signal.aborted)
  }
  const disturbed = disturbing()
  await conversation.talk(MESSAGES)
  spoken.abort()
  await disturbed
  await conversation.settle()
  await endListening()
  return conversation
}

/** Everything was acknowledged, heard and confirmed, and no request failed at its first attempt. */
async function expectWhole(conversation: Conversation): Promise<void> {
  expect(conversation.failed, nginx.logs().slice(-3000)).toEqual([])
  expect(conversation.acknowledged.size).toBe(MESSAGES)
  await expectNothingLost(conversation)
}

async function expectNothingLost(conversation: Conversation): Promise<void> {
  expect(conversation.missing()).toEqual([])
  const ids = [...conversation.acknowledged].map((id) => `'${id}'`).join(',')
  const [left] = await instances.database.sql<{ count: string }>(
    `select count(*) from messages where delivered_at is null and id in (${ids})`,
  )
  expect(left?.count).toBe('0')
}

describe('two instances behind nginx', () => {
  it('lose no request and no message while each is restarted in turn', async () => {
    await expectWhole(
      await converseWhile(async () => {
        for (const port of instances.ports) {
          expect(await instances.end(port, 'SIGTERM')).toBe(0)
          await instances.run(port)
        }
      }),
    )
  }, 180_000)

  it('lose only what was on an instance when it was killed, and nothing that was acknowledged', async () => {
    const [port = 0] = instances.ports
    const before = nginx.failedUpstreams().length
    let kills = 0
    const conversation = await converseWhile(async () => {
      kills += 1
      await instances.end(port, 'SIGKILL')
      await instances.run(port)
    })
    const failed = nginx.failedUpstreams().slice(before)
    // What the clients saw fail is what nginx saw fail, and each on the instance that was killed.
    expect(conversation.failures.map(({ how }) => how.slice(0, 3))).toEqual(failed.map(() => '502'))
    expect(failed.filter((addresses) => !addresses.includes(`127.0.0.1:${port}`))).toEqual([])
    // Eight send at a time: more than those that were under way cannot have been.
    expect(conversation.failures.filter(({ what }) => what === 'send').length).toBeLessThanOrEqual(8 * kills)
    await expectNothingLost(conversation)
  }, 180_000)

  it('lose no request and no message while Redis goes and comes', async () => {
    await expectWhole(
      await converseWhile(async () => {
        await redis.stop()
        await sleep(500)
        await redis.run()
      }),
    )
  }, 180_000)

  it('lose no request and no message while every connection to the database is cut', async () => {
    await expectWhole(await converseWhile(() => instances.database.cut('secure-messenger%')))
  }, 180_000)

  it('leave nothing in the logs of nginx that says who asked, or for what', () => {
    const logs = nginx.logs()
    expect(logs.split('\n').length).toBeGreaterThan(4 * MESSAGES)
    expect(logs).not.toMatch(/[\da-f]{8}-[\da-f]{4}-|eyJ|messages|Bearer/)
  })
})
