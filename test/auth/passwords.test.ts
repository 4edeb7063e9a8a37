import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { BcryptHasher } from '../../server/dist/accounts/hasher.js'
import { outcomeOf } from '../harness/http.js'
import { tokenFor, useRelay } from '../harness/relay.js'
import { inProcess } from '../harness/server.js'

describe('hashing', () => {
  const relay = useRelay()

  test.skipIf(inProcess)('keeps a bcrypt hash of 12 rounds, and the password nowhere', async () => {
    const user = await relay.register()
    const [row] = await relay.sql<{ password_hash: string; whole: string }>(
      'select password_hash, users::text as whole from users where id = $1',
      [user.id],
    )
    expect(row?.password_hash).toMatch(/^\$2b\$12\$/)
    expect(row?.whole).not.toContain(user.password)
  })

  test.skipIf(inProcess)(
    'takes as long for an unknown name, or what nobody could register, as for a wrong password',
    async () => {
      const user = await relay.user()
      const time = async (username: string, password: string): Promise<number> => {
        const startedAt = performance.now()
        expect(outcomeOf(await relay.post('/login', { username, password }))).toBe('401 invalid_credentials')
        return performance.now() - startedAt
      }
      await time(user.username, 'wrong password')
      const rounds: number[][] = []
      for (let i = 0; i < 5; i += 1)
        rounds.push([
          await time(user.username, 'wrong password'),
          await time('nobody.of.this.name', 'wrong password'),
          await time(user.username, 'short'),
          await time('\0', 'x'.repeat(100)),
        ])
      const [wrong, ...others] = [0, 1, 2, 3].map((kind) => median(rounds.map((round) => round[kind] ?? 0)))
      for (const other of others) {
        expect(other).toBeGreaterThan(Number(wrong) * 0.6)
        expect(other).toBeLessThan(Number(wrong) * 1.6)
      }
    },
  )

  test.skipIf(inProcess)('of 40 logins at once does not keep other requests waiting', async () => {
    const user = await relay.user()
    await relay.get('/messages', { token: user.token })
    const storm = Array.from({ length: 40 }, () =>
      relay.post('/login', { username: user.username, password: 'wrong one' }),
    )
    const times: number[] = []
    for (let i = 0; i < 40; i += 1) {
      const startedAt = performance.now()
      expect(outcomeOf(await relay.get('/messages', { token: user.token }))).toBe('200')
      times.push(performance.now() - startedAt)
    }
    // A hash takes a quarter of a second; whoever waited for one in line would be far beyond this.
    expect(median(times)).toBeLessThan(150)
    for (const answer of await Promise.all(storm)) expect(outcomeOf(answer)).toBe('401 invalid_credentials')
  })
})

describe.runIf(process.platform === 'linux' && !inProcess)('the threads that hash', () => {
  const relay = useRelay()

  test('give way to all others', async () => {
    const user = await relay.user()
    await relay.login(user.username, user.password)
    const tasks = `/proc/${relay.process.child.pid}/task`
    // proc(5): the nice value is the 19th field; the second, in parentheses, may hold spaces.
    const niceOf = (task: string): string | undefined =>
      readFileSync(`${tasks}/${task}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[16]
    const nice = readdirSync(tasks).map(niceOf)
    expect(nice.filter((value) => value === '10').length).toBe(1)
    expect(nice.filter((value) => value === '0').length).toBe(nice.length - 1)
  })
})

describe.skipIf(inProcess)('a thread that ends', () => {
  const hasher = new BcryptHasher()
  afterAll(() => hasher.close())

  test('while it hashes makes `unavailable`, and another takes its place', async () => {
    const hashing = hasher.hash('a good password')
    const [refused] = await Promise.all([hashing.catch((error: unknown) => error), hasher.close()])
    expect(refused).toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
    const hash = await hasher.hash('a good password')
    expect(await hasher.matches('a good password', hash)).toBe(true)
    expect(await hasher.matches('another', hash)).toBe(false)
    expect(await hasher.matches('a good password', hasher.decoy())).toBe(false)
  })
})

describe('the password queue', () => {
  const relay = useRelay({ PASSWORD_QUEUE: '4' })

  test.skipIf(inProcess)(
    'is bounded: what exceeds it is 503 at once and says when to come back',
    async () => {
      const user = await relay.user()
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          relay.post('/login', { username: user.username, password: 'wrong one' }),
        ),
      )
      const outcomes = answers.map(outcomeOf)
      const refused = answers.filter(({ status }) => status === 503)
      expect(new Set(outcomes)).toEqual(new Set(['401 invalid_credentials', '503 unavailable']))
      expect(refused.length).toBeGreaterThan(10)
      for (const answer of refused) {
        expect(answer.headers['retry-after']).toMatch(/^\d+$/)
        expect(Object(answer.json).retry_after).toBe(Number(answer.headers['retry-after']))
      }
    },
  )

  test('lets an owner, who shows an old token of the account, in past a crowd of strangers', async () => {
    const user = await relay.user()
    const monthAgo = Math.floor(Date.now() / 1000) - 29 * 86_400
    const old = tokenFor(user.id, { iat: monthAgo })
    const crowd = Array.from({ length: 20 }, () =>
      relay.post('/login', { username: user.username, password: 'wrong one' }),
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    const login = await relay.post(
      '/login',
      { username: user.username, password: user.password },
      { token: old },
    )
    expect(outcomeOf(login)).toBe('200')
    await Promise.all(crowd)
  })
})

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
