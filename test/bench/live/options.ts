import { parseArgs } from 'node:util'
import { z } from 'zod'

const USAGE = `pnpm bench:live [options]: what live delivery holds, how fast it is, and what it costs
  --connections 10000  idle streams, each of a user of its own
  --messages 500       sent to some of them, one after another
  --cycles 1000        streams opened and closed
  --rounds 10          of the comparison with the server without live delivery; the median counts
  --seconds 2          of each round`

const count = z.coerce.number().int().min(1)
const schema = z.object({
  connections: count.max(15_000).default(10_000),
  messages: count.default(500),
  cycles: count.default(1000),
  rounds: count.default(10),
  seconds: z.coerce.number().positive().max(60).default(2),
})

export type Options = z.infer<typeof schema>

/** @throws with the usage, for options that are none */
export function readOptions(): Options {
  const options = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, { type: 'string' } as const]),
  )
  try {
    return schema.parse(parseArgs({ options }).values)
  } catch (error) {
    throw new Error(USAGE, { cause: error })
  }
}
