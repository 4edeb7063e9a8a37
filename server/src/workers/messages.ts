import { RATE_LIMITS, type RateLimit } from '@secure-messenger/api'
import { z } from 'zod'

const rateLimit = z.string().refine((name): name is RateLimit => name in RATE_LIMITS)

/** What the person who starts the server is told of it. */
export const started = z.object({ database: z.string(), secret: z.string() })
export type Started = z.infer<typeof started>

const question = z.discriminatedUnion('about', [
  z.object({ about: z.literal('source') }),
  z.object({ about: z.literal('started'), started }),
  z.object({ about: z.literal('leaving') }),
  z.object({ about: z.literal('count'), limit: rateLimit, subject: z.string() }),
  z.object({ about: z.literal('counted'), limit: rateLimit, subject: z.string() }),
  z.object({ about: z.literal('enter'), userId: z.string() }),
  z.object({ about: z.literal('leave'), userId: z.string() }),
  z.object({ about: z.literal('metrics') }),
])
/** What a worker asks the primary process. */
export type Question = z.infer<typeof question>

/** A question on its way; its number comes back with the answer. */
export const asked = z.object({ number: z.int(), question })

/** What became of a question; one that failed has no answer. */
export const answered = z.object({ number: z.int(), failed: z.boolean(), answer: z.unknown().optional() })

/** Where the server's own database is, as the primary process started it. */
export const sourceAnswer = z.object({
  description: z.string(),
  folders: z.array(z.string()),
  connection: z.object({
    host: z.string(),
    port: z.int(),
    user: z.string(),
    password: z.string(),
    database: z.string(),
  }),
})

/** Null where nothing was counted yet. */
export const countAnswer = z.object({ totalHits: z.int(), resetMs: z.number() }).nullable()
export type CountAnswer = z.infer<typeof countAnswer>
