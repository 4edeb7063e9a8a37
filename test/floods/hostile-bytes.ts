import { setTimeout as sleep } from 'node:timers/promises'
import { AnswerReader } from '../edge/answers.js'
import { speak } from '../edge/connection.js'

const DEADLINE_MS = 10_000
const PAUSE_MS = 1000
const ROW = 50
const CONNECTIONS = 5

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: relay\r\n\r\n'
const FRAMINGS = [
  `Content-Length: ${SMUGGLED.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  `Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
  `Content-Length: ${SMUGGLED.length}\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
]

/** Works on a few connections at once, again and again. */
async function repeat(untilMs: number, work: () => Promise<void>): Promise<void> {
  const inTurn = async (): Promise<void> => {
    do {
      await work()
      await sleep(PAUSE_MS)
    } while (performance.now() < untilMs)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, inTurn))
}

/** Many requests on a connection, all sent before the first is answered. */
export async function askInRows(base: string, untilMs: number) {
  const one = 'GET /health HTTP/1.1\r\nHost: relay\r\n'
  const row = `${one}\r\n`.repeat(ROW - 1) + `${one}Connection: close\r\n\r\n`
  const [wrong, seen]: [string[], { rows: number }] = [[], { rows: 0 }]
  await repeat(untilMs, async () => {
    const { said, closed } = await speak(base, { writes: [row], deadlineMs: DEADLINE_MS })
    const good = new AnswerReader(said).readAll().filter(({ status }) => status === 200).length
    if (!closed || good !== ROW) wrong.push(`${good} answers, ${closed ? 'closed' : 'left open'}`)
    seen.rows += 1
  })
  return { ...seen, requestsEach: ROW, wrong }
}

/** Requests of which readers differ where they end: each is to be refused, and its connection closed. */
export async function askAmbiguously(base: string, untilMs: number) {
  const seen = { asked: 0, accepted: 0, leftOpen: 0 }
  await repeat(untilMs, async () => {
    for (const framing of FRAMINGS) {
      const text = `POST /login HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n${framing}${SMUGGLED}`
      const { said, closed } = await speak(base, {
        writes: [text],
        hangsUpAfterMs: 1000,
        deadlineMs: DEADLINE_MS,
      })
      seen.asked += 1
      if (!closed) seen.leftOpen += 1
      const statuses = new AnswerReader(said).readAll().map(({ status }) => status)
      if (statuses.length !== 1 || statuses[0] !== 400) seen.accepted += 1
    }
  })
  return seen
}
