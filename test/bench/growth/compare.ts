import { median, rounded } from '../numbers.js'
import { measure, WORKS, type Subject, type Work } from './works.js'

/** Calls a second from each of two tables, medians, and the median of the rounds' ratios. */
export interface Compared {
  readonly one: number
  readonly other: number
  readonly ratio: number
}

interface Turns {
  readonly rounds: number
  readonly seconds: number
}

type Turn = Omit<Compared, 'ratio'>

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Who comes first changes from round to round: a machine that grows slower favours neither. */
async function takeTurn(
  one: Subject,
  other: Subject,
  work: Work,
  seconds: number,
  round: number,
): Promise<Turn> {
  const speed = async (subject: Subject): Promise<number> => (await measure(subject, work, seconds)).perSecond
  if (round % 2 === 0) {
    const ofOther = await speed(other)
    return { one: await speed(one), other: ofOther }
  }
  const ofOne = await speed(one)
  return { one: ofOne, other: await speed(other) }
}

function judge(turns: readonly Turn[]): Compared {
  return {
    one: Math.round(median(turns.map((turn) => turn.one))),
    other: Math.round(median(turns.map((turn) => turn.other))),
    ratio: rounded(median(turns.map((turn) => turn.other / turn.one))),
  }
}

/**
 * Two tables in short turns. A ratio is taken within a round: the machine's own speed was seen to change by half within
 * seconds, and then says more than the tables do.
 */
export async function compare(
  one: Subject,
  other: Subject,
  { rounds, seconds }: Turns,
): Promise<Record<Work, Compared>> {
  const turns: Record<Work, Turn[]> = { send: [], list: [], confirm: [] }
  for (let round = 1; round <= rounds; round += 1) {
    for (const work of WORKS) {
      const turn = await takeTurn(one, other, work, seconds, round)
      turns[work].push(turn)
      say(`round ${round} ${work}: ${Math.round(turn.one)}, ${Math.round(turn.other)}`)
    }
  }
  return { send: judge(turns.send), list: judge(turns.list), confirm: judge(turns.confirm) }
}
