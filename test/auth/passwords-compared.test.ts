import { beforeEach, expect, test } from 'vitest'
import { PasswordQueue, type Standing } from '../../server/dist/accounts/password-queue.js'
import { Passwords } from '../../server/dist/accounts/passwords.js'

/** A line that notes who stands in it. */
class NotingQueue extends PasswordQueue {
  readonly standings: Standing[] = []
  override run<T>(standing: Standing, work: () => Promise<T>): Promise<T> {
    this.standings.push(standing)
    return super.run(standing, work)
  }
}

/** What passwords were compared with. Every comparison says that they match. */
let compared: [string, string][] = []
let queue = new NotingQueue({ concurrency: 1, capacity: 1 })
let passwords: Passwords

beforeEach(() => {
  compared = []
  queue = new NotingQueue({ concurrency: 1, capacity: 1 })
  passwords = new Passwords(queue, {
    hash: async (password) => `hash of ${password}`,
    matches: async (password, hash) => {
      compared.push([password, hash])
      return password !== 'another password'
    },
    decoy: () => 'decoy',
    close: async () => undefined,
  })
})

test('a password is compared with the hash of its account, in line with its kind', async () => {
  expect(await passwords.matches('a good password', 'hash', 'owner')).toBe(true)
  expect(await passwords.matches('another password', 'hash', 'stranger')).toBe(false)
  expect(compared).toEqual([
    ['a good password', 'hash'],
    ['another password', 'hash'],
  ])
  expect(queue.standings).toEqual(['owner', 'stranger'])
})

test('without an account the same work is done, and the answer is no', async () => {
  expect(await passwords.matches('a good password', undefined, 'stranger')).toBe(false)
  expect(compared).toEqual([['a good password', 'decoy']])
})

test.each(['short', 'x'.repeat(73), `a good password\0`])(
  'what nobody could have registered costs the same work, and is no: %j',
  async (password) => {
    expect(await passwords.matches(password, 'hash', 'owner')).toBe(false)
    expect(compared).toEqual([[password, 'decoy']])
    expect(queue.standings).toEqual(['owner'])
  },
)

test('a new password is hashed in line with the strangers', async () => {
  expect(await passwords.hash('a good password')).toBe('hash of a good password')
  expect(queue.standings).toEqual(['stranger'])
})
