import { median } from '../numbers.js'
import { measure, WORKS, type Subject, type Work } from './works.js'

export type Rates = Record<Work, number>

interface Turns {
  readonly rounds: number
  readonly seconds: number
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function nothing(): Record<Work, number[]> {
  return { send: [], list: [], confirm: [] }
}

function ratesOf({ send, list, confirm }: Record<Work, number[]>): Rates {
  return { send: median(send), list: median(list), confirm: median(confirm) }
}

/** Two tables in turns, so that what disturbs the machine disturbs both; medians. */
export async function compare(
  one: Subject,
  other: Subject,
  { rounds, seconds }: Turns,
): Promise<[Rates, Rates]> {
  const results = [one, other].map((subject) => ({ subject, perSecond: nothing() }))
  for (let round = 1; round <= rounds; round += 1) {
    for (const work of WORKS) {
      for (const { subject, perSecond } of results)
        perSecond[work].push((await measure(subject, work, seconds)).perSecond)
      const last = results.map((r) => Math.round(r.perSecond[work].at(-1) ?? 0))
      say(`round ${round} ${work}: ${last.join(', ')}`)
    }
  }
  const [ofOne, ofOther] = results.map(({ perSecond }) => ratesOf(perSecond))
  if (!ofOne || !ofOther) throw new Error('nothing was measured')
  return [ofOne, ofOther]
}
