import { measure, type Target } from '../load/window.js'
import type { Door, Works } from '../load/works.js'
import { DOOR_TURNS } from '../options.js'

const AT_ONCE = [1, 16, 64] as const
/** There and back, so that a table that grows, or a machine that slows, is nobody's advantage. */
const THERE_AND_BACK: readonly Door[] = ['rest', 'rpc', 'rpc', 'rest']
const ORDER = Array.from({ length: DOOR_TURNS }, () => THERE_AND_BACK).flat()

export interface DoorRates {
  readonly concurrency: number
  readonly rest: number
  readonly rpc: number
}

/** The same sends over both doors, by the same generator, taking turns. */
export async function compareDoors(target: Target, works: Works, seconds: number): Promise<DoorRates[]> {
  const rates: DoorRates[] = []
  for (const concurrency of AT_ONCE) {
    const sums = { rest: 0, rpc: 0 }
    for (const door of ORDER)
      sums[door] += (await measure(target, concurrency, seconds / DOOR_TURNS, works.sends(door))).per_s
    const turns = ORDER.length / 2
    rates.push({ concurrency, rest: sums.rest / turns, rpc: sums.rpc / turns })
    await works.drain()
  }
  return rates
}
