import { parseArgs } from 'node:util'
import { z } from 'zod'

const USAGE = `pnpm bench:growth [options]: what becomes of the speed when the tables are full
  --rows 10000000       waiting messages
  --users 1000000       accounts, an even number from 4000
  --rounds 20           of each measurement; the median counts
  --seconds 2           of each round
  --churn-minutes 0     sends and confirmations before a second measurement; 0 leaves it out
  --churn-rate 500      of them each second
  --purge-rows 1000000  expired rows to purge; 0 leaves it out
  --send-rate 500       sends each second, before that purge and during it`

const count = z.coerce.number().int().min(0)
const schema = z.object({
  rows: count.min(20_000).default(10_000_000),
  users: count.min(4000).multipleOf(2).default(1_000_000),
  rounds: count.min(1).default(20),
  seconds: z.coerce.number().positive().default(2),
  'churn-minutes': z.coerce.number().min(0).default(0),
  'churn-rate': count.min(1).default(500),
  'purge-rows': count.default(1_000_000),
  'send-rate': count.min(1).default(500),
})

export type Options = ReturnType<typeof readOptions>

/** @throws with the usage, for options that are none */
export function readOptions() {
  const text = { type: 'string' } as const
  const options = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, text]))
  try {
    const given = schema.parse(parseArgs({ options }).values)
    return {
      ...given,
      churnMinutes: given['churn-minutes'],
      churnRate: given['churn-rate'],
      purgeRows: given['purge-rows'],
      sendRate: given['send-rate'],
    }
  } catch (error) {
    throw new Error(USAGE, { cause: error })
  }
}
