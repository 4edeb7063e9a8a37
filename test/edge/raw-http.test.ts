import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { runs, timeoutMs } from '../harness/runs.js'
import { useRelay } from '../harness/relay.js'
import { AnswerReader, type RawAnswer } from './answers.js'
import { speak } from './connection.js'
import { nonsense, unfinishedHead } from './nonsense.js'
import { ambiguous, goodRequest, makeAmbiguous, piecesOf, textOf } from './requests.js'

/** docs/api.md, "Errors", and what succeeds; 500 is nothing that a client can bring about. */
const DOCUMENTED = new Set([200, 201, 204, 400, 401, 404, 405, 409, 413, 415, 422, 429, 503])
const CLOSES_WITHIN_MS = 10_000
const QUIET_MS = 100
/** The relay waits 15 seconds for a head. */
const HEAD_WITHIN_MS = 25_000
const AT_ONCE = 20

const relay = useRelay()

function expectDocumented(answers: readonly RawAnswer[]): void {
  for (const { status, headers, body } of answers) {
    expect(DOCUMENTED).toContain(status)
    expect(headers.get('x-request-id')).toBeDefined()
    if (status >= 400) expect(() => JSON.parse(body)).not.toThrow()
  }
}

afterEach(async () => {
  expect((await relay.get('/health')).status).toBe(200)
  // It is the process that was started: none takes the place of one that died.
  expect(relay.process.child.exitCode).toBeNull()
  expect(relay.process.output()).not.toMatch(/could not be taken|internal_error/)
})

describe.concurrent('bytes on a connection', () => {
  test(
    'whatever they are, get whole answers with documented statuses, or the end of the connection',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(nonsense, { minLength: 1, maxLength: AT_ONCE, size: 'max' }),
          async (texts) => {
            const heard = await Promise.all(
              texts.map((text) =>
                speak(relay.base, { writes: [text], hangsUpAfterMs: QUIET_MS, deadlineMs: CLOSES_WITHIN_MS }),
              ),
            )
            for (const { said, closed } of heard) {
              expect(closed).toBe(true)
              expectDocumented(new AnswerReader(said).readAll())
            }
          },
        ),
        runs(),
      )
    },
    timeoutMs,
  )

  test(
    'of well-formed requests in a row get one answer each, in order, however they are cut into packets',
    async () => {
      const row = fc.array(goodRequest, { minLength: 1, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(row, fc.array(fc.nat(), { maxLength: 6 }), async (requests, cuts) => {
          const text = requests.map((one, at) => textOf(one, at === requests.length - 1)).join('')
          const { said, closed } = await speak(relay.base, {
            writes: piecesOf(text, cuts),
            deadlineMs: CLOSES_WITHIN_MS,
          })
          expect(closed).toBe(true)
          const heads = new Set(requests.flatMap(({ method }, at) => (method === 'HEAD' ? [at] : [])))
          const answers = new AnswerReader(said).readAll(heads)
          expectDocumented(answers)
          expect(answers.map(({ status }) => status)).toEqual(requests.map(({ status }) => status))
        }),
        runs(5),
      )
    },
    timeoutMs,
  )

  test(
    'that do not say clearly where a body ends are refused once, and nothing behind them is read',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          ambiguous,
          fc.array(fc.nat(), { maxLength: 3 }),
          async ({ text, statuses }, cuts) => {
            const { said, closed } = await speak(relay.base, {
              writes: piecesOf(text, cuts),
              deadlineMs: CLOSES_WITHIN_MS,
            })
            expect(closed).toBe(true)
            const answers = new AnswerReader(said).readAll()
            expect(answers.length).toBeLessThanOrEqual(1)
            for (const { status } of answers) expect(statuses).toContain(status)
          },
        ),
        {
          ...runs(5),
          // Found by this test: answered by their heads, they were answered again when their bodies proved unreadable.
          examples: [
            [makeAmbiguous('/nowhere', ['Transfer-Encoding: identity'], ''), []],
            [makeAmbiguous('/nowhere', ['Transfer-Encoding: chunked'], 'zz\r\n'), []],
          ],
        },
      )
    },
    timeoutMs,
  )

  test(
    'of a head that never ends get an end themselves',
    async () => {
      const heads = fc.sample(unfinishedHead, AT_ONCE)
      const heard = await Promise.all(
        heads.map((text) => speak(relay.base, { writes: [text], deadlineMs: HEAD_WITHIN_MS })),
      )
      for (const { said, closed } of heard) {
        expect(closed).toBe(true)
        expectDocumented(new AnswerReader(said).readAll())
      }
    },
    timeoutMs,
  )
})
