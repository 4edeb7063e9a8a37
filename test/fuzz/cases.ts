import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'

// What is used of Schemathesis's report, which has one event a line.
const finished = z.object({
  ScenarioFinished: z.object({
    recorder: z.object({
      cases: z.record(z.string(), z.object({ value: z.object({ method: z.string(), path: z.string() }) })),
      interactions: z.record(
        z.string(),
        z.object({
          request: z.object({ headers: z.record(z.string(), z.unknown()) }),
          response: z.object({ status_code: z.int() }).nullish(),
        }),
      ),
    }),
  }),
})

/** What became of the cases of one operation. */
export interface Cases {
  readonly operation: string
  total: number
  /** Those that nobody answered. */
  unanswered: number
  readonly statuses: Map<number, number>
  /** Those that were refused with 401 though they came without a token, and with one, which was none. */
  readonly refusedTokens: { none: number; wrong: number }
}

/** Counts a report's cases for each operation of the document; those of any other method of a path are not among them. */
export async function countCases(report: string, operations: readonly string[]): Promise<Cases[]> {
  const counted = new Map(operations.map((operation) => [operation, noCases(operation)]))
  for await (const line of createInterface({ input: createReadStream(report) })) {
    const event = finished.safeParse(JSON.parse(line))
    if (!event.success) continue
    const { cases, interactions } = event.data.ScenarioFinished.recorder
    for (const [id, { request, response }] of Object.entries(interactions)) {
      const made = cases[id]?.value
      const of = made && counted.get(`${made.method} ${made.path}`)
      if (of) count(of, 'Authorization' in request.headers, response?.status_code)
    }
  }
  return [...counted.values()]
}

function noCases(operation: string): Cases {
  return { operation, total: 0, unanswered: 0, statuses: new Map(), refusedTokens: { none: 0, wrong: 0 } }
}

function count(of: Cases, hasToken: boolean, status: number | undefined): void {
  of.total += 1
  if (status === undefined) {
    of.unanswered += 1
    return
  }
  of.statuses.set(status, (of.statuses.get(status) ?? 0) + 1)
  if (status === 401) of.refusedTokens[hasToken ? 'wrong' : 'none'] += 1
}

/** How many were answered with a status of these hundreds. */
export function answeredWith({ statuses }: Cases, hundreds: number): number {
  const counts = [...statuses].filter(([status]) => Math.floor(status / 100) === hundreds)
  return counts.reduce((sum, [, number]) => sum + number, 0)
}

/** A line for each operation: its cases, and how often it answered what. */
export function tableOf(counted: readonly Cases[]): string {
  const width = Math.max(...counted.map(({ operation }) => operation.length))
  const lines = counted.map(({ operation, total, statuses }) => {
    const answers = [...statuses]
      .toSorted(([a], [b]) => a - b)
      .map(([status, number]) => `${status}: ${number}`)
    return `${operation.padEnd(width)} ${String(total).padStart(6)} cases  ${answers.join(', ')}`
  })
  return lines.join('\n')
}
