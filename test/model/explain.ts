import type { Call, Heard } from './calls.js'
import { judgeFindUser, judgeGetKey, judgeUpdateKey } from './keys-model.js'
import { judgeConfirm, judgeConfirmMany, judgeList, judgeSend, judgeStatus } from './messages-model.js'
import { purged, type State, type Verdict } from './state.js'

/** When it was asked and when it was answered, in ticks of the run. */
interface Span {
  readonly began: number
  readonly ended: number
}

/** A call, what was heard of it, and the greatest id that had been answered when it was asked. */
export interface Answered extends Span {
  readonly call: Call
  readonly heard: Heard
  readonly floor: string
}

/** Something that was answered, or a purge, which says nothing. */
export type Event = Answered | (Span & { readonly call: 'purge' })

function judge(state: State, event: Event, now: number): Verdict {
  if (event.call === 'purge') return { next: purged(state, now) }
  const { call, heard, floor } = event
  switch (call.kind) {
    case 'send':
      return judgeSend(state, call, heard, now, floor)
    case 'list':
      return judgeList(state, call, heard, now)
    case 'confirm':
      return judgeConfirm(state, call, heard, now)
    case 'confirm_many':
      return judgeConfirmMany(state, call, heard, now)
    case 'status':
      return judgeStatus(state, call, heard, now)
    case 'get_key':
      return judgeGetKey(state, call, heard)
    case 'update_key':
      return judgeUpdateKey(state, call, heard, now)
    case 'find_user':
      break
  }
  return judgeFindUser(state, call, heard)
}

/** The states that events lead to in any order that time allows and that explains every one of them. */
class Search {
  readonly ends = new Map<string, State>()
  /** What should have been heard where an order came to no end. */
  readonly expected: unknown[] = []
  private readonly seen = new Set<string>()

  constructor(private readonly now: number) {}

  from(state: State, left: readonly Event[], indexes: readonly number[]): void {
    const key = JSON.stringify([indexes, state])
    if (this.seen.has(key)) return
    this.seen.add(key)
    if (left.length === 0) this.ends.set(JSON.stringify(state), state)
    const firstEnd = Math.min(...left.map(({ ended }) => ended))
    for (const [at, event] of left.entries()) {
      // What began after another's end happened after it.
      if (event.began > firstEnd) continue
      const verdict = judge(state, event, this.now)
      if ('next' in verdict) this.from(verdict.next, left.toSpliced(at, 1), indexes.toSpliced(at, 1))
      else this.expected.push(verdict.expected)
    }
  }
}

function show(value: unknown): string {
  return JSON.stringify(value)
}

function spanOf({ began, ended }: Span): string {
  return `${began}–${ended}`
}

/**
 * Where each of the events happened at one moment between its beginning and its end, as it must, some order of these
 * moments explains all that was heard. One event has one order.
 *
 * @param states - where the relay may be before them
 * @returns where it may be after them
 * @throws where no order explains them
 */
export function explain(states: readonly State[], events: readonly Event[], now: number): State[] {
  const search = new Search(now)
  for (const state of states) search.from(state, events, [...events.keys()])
  if (search.ends.size > 0) return [...search.ends.values()]
  const told = events.map((event) =>
    event.call === 'purge'
      ? `  ${spanOf(event)} purge`
      : `  ${spanOf(event)} ${show(event.call)}\n    → ${show(event.heard)}`,
  )
  const due = events.length === 1 ? `\n  expected ${show(search.expected[0])}` : ''
  throw new Error(`The model cannot explain, in any order:\n${told.join('\n')}${due}`)
}
