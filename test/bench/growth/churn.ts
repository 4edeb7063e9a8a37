import { randomInt } from 'node:crypto'
import { z } from 'zod'
import { connect } from './load.js'
import { confirmCall, sendCall, someRecipient, type Subject } from './works.js'

const AT_ONCE = 16
const PROGRESS_MS = 60_000

const sent = z.object({ id: z.string() })

/**
 * Sends and confirms at a bounded rate; half of it goes to a few, whose mailboxes are read again afterwards.
 *
 * @returns how many were confirmed
 */
export async function churn(subject: Subject, minutes: number, perSecond: number): Promise<number> {
  const { ask, close } = connect(subject.server.port, AT_ONCE)
  const { busy } = subject
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let begun = 0
  let confirmed = 0
  const timer = setInterval(() => process.stderr.write(`${confirmed} confirmed\n`), PROGRESS_MS)
  const worker = async (): Promise<void> => {
    while (elapsedMs() < minutes * 60_000) {
      const waitMs = (begun / perSecond) * 1000 - elapsedMs()
      begun += 1
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
      const recipient = begun % 2 === 0 ? (busy[randomInt(busy.length)] ?? '') : someRecipient(subject)
      const { id } = sent.parse(JSON.parse(await ask(sendCall(subject, recipient))))
      await ask(confirmCall(subject, { recipient, id }))
      // A million tokens are not kept.
      if (begun % 2 === 1) subject.tokens.delete(recipient)
      confirmed += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  clearInterval(timer)
  close()
  return confirmed
}
