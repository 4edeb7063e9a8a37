import { z } from 'zod'
import { outcomeOf, request } from '../harness/http.js'

/** Attempts come from many places: `LIMIT_LOGIN` lets ten a minute pass from each. */
const PER_ADDRESS = 5

const attempt = z.object({
  outcome: z.string(),
  retryAfter: z.string().optional(),
  tookMs: z.number(),
})
export const attemptsSchema = z.array(attempt)
export type Attempt = z.infer<typeof attempt>

interface LoginOptions {
  readonly username: string
  readonly password: string
  readonly localAddress?: string
  readonly token?: string
}

export async function logIn(
  base: string,
  { username, password, ...options }: LoginOptions,
): Promise<Attempt> {
  const startedAt = performance.now()
  const answer = await request(base, 'POST', '/login', { json: { username, password }, ...options })
  const retryAfter = answer.headers['retry-after']
  return { outcome: outcomeOf(answer), retryAfter, tookMs: Math.round(performance.now() - startedAt) }
}

/** Logins with wrong passwords under these names, all at once. One whose server ended has no outcome. */
export function storm(base: string, names: readonly string[]): Promise<Attempt>[] {
  return names.map((username, at) => {
    const localAddress = `127.0.1.${1 + Math.floor(at / PER_ADDRESS)}`
    return logIn(base, { username, password: 'a wrong password', localAddress }).catch(() => ({
      outcome: 'none',
      retryAfter: undefined,
      tookMs: 0,
    }))
  })
}

export function countOutcomes(attempts: readonly Attempt[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of attempts) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

export function slowestMs(attempts: readonly Attempt[]): number {
  return Math.max(...attempts.map(({ tookMs }) => tookMs))
}
