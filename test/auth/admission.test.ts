import type { RateLimit } from '@secure-messenger/api'
import { beforeEach, expect, test } from 'vitest'
import { Accounts } from '../../server/dist/accounts/accounts.js'
import { Tokens } from '../../server/dist/accounts/tokens.js'
import { Turnstile } from '../../server/dist/accounts/turnstile.js'
import { SECRET_KEY, tokenFor } from '../harness/tokens.js'

const [ANN, BEN] = ['0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001', '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0002'] as const
const IDS: Readonly<Record<string, string>> = { ann: ANN, ben: BEN }
const KEY = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY='

/** What the accounts asked of the parts that they are made of, in order. */
let asked: string[] = []
beforeEach(() => void (asked = []))

function makeAccounts({ isShort = false } = {}): Accounts {
  return new Accounts({
    store: {
      async findLogins(names) {
        asked.push(`look-up of ${names.join()}`)
        const known = names.filter((name) => name in IDS)
        return new Map(
          known.map((name) => [name, { id: IDS[name] ?? '', passwordHash: `hash of ${name}`, epoch: 'e' }]),
        )
      },
      async insert({ username }) {
        asked.push(`insertion of ${username}`)
        return undefined
      },
      findUser: async () => undefined,
    },
    passwords: {
      async hash() {
        asked.push('hash')
        return 'a hash'
      },
      async matches(_password, hash, standing) {
        asked.push(`comparison with ${hash} for ${standing}`)
        return hash !== undefined
      },
    },
    limiter: {
      async take(limit: RateLimit, subject: string) {
        asked.push(`${limit} ${subject}`)
      },
      async check() {},
    },
    tokens: new Tokens({ secretKeys: [SECRET_KEY], clock: () => Date.now() }),
    turnstile: new Turnstile(100),
    room: { isShort },
  })
}

const register = (accounts: Accounts, username: string): Promise<unknown> =>
  accounts.register({ username, password: 'a good password', public_key: KEY })

test('where the disk is short, a registration is refused before anything is looked up', async () => {
  await expect(register(makeAccounts({ isShort: true }), 'ann')).rejects.toMatchObject({
    code: 'unavailable',
  })
  expect(asked).toEqual([])
})

test('a taken name costs no hash, and of a free one the insertion decides', async () => {
  const accounts = makeAccounts()
  await expect(register(accounts, 'Ann')).rejects.toMatchObject({ code: 'username_taken' })
  expect(asked).toEqual(['look-up of ann'])
  await expect(register(accounts, 'cyd')).rejects.toMatchObject({ code: 'username_taken' })
  expect(asked.slice(1)).toEqual(['look-up of cyd', 'hash', 'insertion of cyd'])
})

test('an owner has a budget of their own, and is hashed as an owner', async () => {
  const accounts = makeAccounts()
  for (const [name, id] of Object.entries(IDS))
    await accounts.login({ username: name, password: 'a good password' }, tokenFor(id))
  expect(asked).toEqual([
    'look-up of ann',
    `login_account owner:${ANN}`,
    'comparison with hash of ann for owner',
    'look-up of ben',
    `login_account owner:${BEN}`,
    'comparison with hash of ben for owner',
  ])
})

test('a stranger, and the owner of another account, count for the name; a stranger before it is looked up', async () => {
  const accounts = makeAccounts()
  await accounts.login({ username: 'ANN', password: 'a good password' }, undefined)
  const [counted = ''] = asked
  expect(counted).toMatch(/^login_account [A-Za-z0-9+/]{43}=$/)
  expect(asked).toEqual([counted, 'look-up of ann', 'comparison with hash of ann for stranger'])
  await accounts.login({ username: 'ann', password: 'a good password' }, tokenFor(BEN))
  expect(asked.slice(3)).toEqual(['look-up of ann', counted, 'comparison with hash of ann for stranger'])
})

test('what no account can be named is counted, compared and refused, and looked up nowhere', async () => {
  const login = makeAccounts().login({ username: '\0', password: 'a good password' }, undefined)
  await expect(login).rejects.toMatchObject({ code: 'invalid_credentials' })
  expect(asked.slice(1)).toEqual(['comparison with undefined for stranger'])
})
