import { expect, test } from 'vitest'
import { isPassing } from '../../server/dist/database/faults.js'
import { createPool } from '../../server/dist/database/pool.js'
import { connectToPrimary } from '../../server/dist/database/primary.js'
import { createLog } from '../../server/dist/log.js'
import { startDyingPrimary } from './stand-in.js'

test('a primary that dies in the moment in which it is connected to fails the request, and does not end the process', async () => {
  const hosts = [await startDyingPrimary(), await startDyingPrimary()]
  const pool = createPool(connectToPrimary(hosts.map(({ url }) => url)), 2, createLog('silent'))
  // What nobody catches makes the whole run fail.
  const failed: unknown = await pool.query('select 1').catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(Error)
  expect(isPassing(failed)).toBe(true)
  await expect.poll(() => pool.totalCount).toBe(0)
  await pool.end()
  await Promise.all(hosts.map(({ close }) => close()))
})
