import type { Round, Work } from '../document/figures.js'
import { Connection } from '../load/connection.js'
import { measure, type MakeStep, type Target } from '../load/window.js'
import type { Works } from '../load/works.js'
import { LOGIN_WINDOW_FACTOR } from '../options.js'
import type { Measured } from './load-mjs.js'

const AT_ONCE = { some: [1, 16], sends: [1, 16, 64], logins: [1, 8] } as const
const STORM = 8
const WARM_SENDERS = 64

/** Logins without pause, on 8 connections, until they are stopped. */
async function storm(port: number, makeStep: MakeStep): Promise<() => Promise<void>> {
  const over = new AbortController()
  const connections = await Promise.all(Array.from({ length: STORM }, () => Connection.open(port)))
  const all = Promise.all(
    connections.map(async (connection, worker) => {
      for (const step = makeStep(worker, connection); !over.signal.aborted;) await step()
    }),
  )
  // A fault shows when the storm is stopped, not as an unhandled rejection before.
  all.catch(() => undefined)
  return async () => {
    over.abort()
    await all
    for (const connection of connections) connection.close()
  }
}

/** All works by the project's own generator, for when there is no other. */
export async function runOwnLoad(target: Target, works: Works, seconds: number): Promise<Measured> {
  const points: { work: Work; concurrency: number; round: Round }[] = []
  const each = async (
    work: Work,
    counts: readonly number[],
    lasts: number,
    make: () => MakeStep,
  ): Promise<void> => {
    for (const concurrency of counts) {
      points.push({ work, concurrency, round: await measure(target, concurrency, lasts, make()) })
      if (work !== 'list 50') await works.drain()
    }
  }
  await measure(target, WARM_SENDERS, seconds, works.sends('rest'))
  await works.drain()
  await each('send', AT_ONCE.sends, seconds, () => works.sends('rest'))
  await each('relay cycle', AT_ONCE.some, seconds, () => works.relays())
  const list = await works.lists()
  await each('list 50', AT_ONCE.some, seconds, () => list)
  await works.drain()
  await each('public key', AT_ONCE.some, seconds, () => works.keys())
  const long = seconds * LOGIN_WINDOW_FACTOR
  await each('login', AT_ONCE.logins, long, () => works.logins())
  await each('me', [1], long, () => works.mes())
  const stop = await storm(target.port, works.logins())
  await each('me during 8 logins', [1], long, () => works.mes())
  await stop()
  return { points, sent: works.ledger.sent.total, confirmed: works.ledger.sent.confirmed }
}
