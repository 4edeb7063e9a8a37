import { expect, test } from 'vitest'
import { KnownAccounts } from '../../server/dist/mailbox/known-accounts.js'

const MAX_KNOWN = 50_000

/** Accounts where everybody but "nobody" is one, and what was asked after. */
function open() {
  const asked: string[][] = []
  const known = new KnownAccounts(async (ids) => {
    asked.push([...ids])
    return new Set(ids.filter((id) => id !== 'nobody'))
  })
  return { asked, known }
}

test('the database is asked once after an account that exists, and each time after one that does not', async () => {
  const { asked, known } = open()
  expect(await known.missing(new Set(['a', 'nobody']))).toEqual(new Set(['nobody']))
  expect(await known.missing(new Set(['a', 'b', 'nobody']))).toEqual(new Set(['nobody']))
  expect(await known.missing(new Set(['a', 'b']))).toEqual(new Set())
  expect(asked).toEqual([
    ['a', 'nobody'],
    ['b', 'nobody'],
  ])
})

test('what was forgotten is asked after again, and nothing else', async () => {
  const { asked, known } = open()
  await known.missing(new Set(['a', 'b']))
  known.forget(['a'])
  await known.missing(new Set(['a', 'b']))
  expect(asked).toEqual([['a', 'b'], ['a']])
})

test('50,000 are known, and of more the newest', async () => {
  const { asked, known } = open()
  const ids = Array.from({ length: MAX_KNOWN }, (_, at) => `${at}`)
  await known.missing(new Set(ids))
  await known.missing(new Set(['0']))
  await known.missing(new Set(['another']))
  asked.length = 0
  await known.missing(new Set(['1', `${MAX_KNOWN - 1}`, 'another']))
  expect(asked).toEqual([])
  await known.missing(new Set(['0']))
  expect(asked).toEqual([['0']])
})
