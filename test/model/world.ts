import { DELETE_FORGOTTEN } from '../../server/dist/retention/store.js'
import type { TestDatabase } from '../harness/database.js'
import { expectDefined } from '../harness/relay.js'
import { ask, type Call, type Door, type Heard } from './calls.js'
import { Cast } from './cast.js'
import { explain, type Answered, type Event } from './explain.js'
import { makeMembers, type Member } from './people.js'
import { aged, type State } from './state.js'
import { PEOPLE, type Step } from './steps.js'

/** A call as it went, and how many minutes had passed by then. */
export interface Told extends Answered {
  readonly minute: number
}

export interface Places {
  readonly database: TestDatabase
  /** Addresses of the instances. */
  readonly bases: readonly string[]
}

/** People of one run, what they asked and heard, and where the model believes the relay to be. */
export class World {
  readonly told: Told[] = []
  private states: readonly State[]
  private unexplained: Event[] = []
  private readonly begun: Promise<void>[] = []
  /** Of those that were begun, how many are not answered. */
  underWay = 0
  /** The greatest id that was answered. */
  private floor = ''
  private ticks = 0
  minute = 0
  private readonly cast: Cast

  private constructor(
    private readonly places: Places,
    readonly members: readonly Member[],
  ) {
    const people = Object.fromEntries(members.map(({ id, token: _token, ...person }) => [id, person]))
    this.cast = new Cast(members)
    this.states = [{ people, messages: [] }]
  }

  static async make(places: Places): Promise<World> {
    return new World(places, await makeMembers(places.database, PEOPLE))
  }

  /** Takes the steps all at once. @throws where the model cannot explain what is heard */
  async perform(steps: readonly Step[]): Promise<void> {
    const events = await Promise.all(steps.map((step) => this.happen(step)))
    // In the order of the steps, whichever was answered first: who says "the last" means the same in every run.
    for (const event of events) this.remember(event)
    this.explain()
  }

  /** Takes a step, and goes on before it is answered. */
  begin(step: Step): void {
    this.underWay += 1
    const answered = this.happen(step).then((event) => {
      this.underWay -= 1
      this.remember(event)
    })
    answered.catch(() => undefined)
    this.begun.push(answered)
  }

  /** @returns when everything that was begun is answered. @throws where the model cannot explain what was heard */
  async settle(): Promise<void> {
    await Promise.all(this.begun)
    this.explain()
  }

  /** What the relay keeps of these people is moved into the past, as if time had gone by. */
  async pass(minutes: number): Promise<void> {
    await this.places.database.sql(
      `update messages set created_at = created_at - t.passed, expires_at = expires_at - t.passed,
          delivered_at = delivered_at - t.passed, forget_at = forget_at - t.passed
        from (select make_interval(mins => $2::int) as passed) t where recipient_id = any($1::uuid[])`,
      [this.members.map(({ id }) => id), minutes],
    )
    this.states = this.states.map((state) => aged(state, minutes * 60_000))
    this.minute += minutes
  }

  ask(door: Door, call: Call, instance = 0): Promise<Heard> {
    const { bases } = this.places
    const { token } = expectDefined(this.members.find(({ id }) => id === call.by))
    return ask(expectDefined(bases[instance % bases.length]), door, token, call)
  }

  private tick(): number {
    return (this.ticks += 1)
  }

  private async happen(step: Step): Promise<Event> {
    const began = this.tick()
    if (step.kind === 'purge') {
      await this.places.database.sql(DELETE_FORGOTTEN)
      return { call: 'purge', began, ended: this.tick() }
    }
    const call = this.cast.callOf(step)
    const { floor } = this
    const heard = await this.ask(step.door, call, step.instance)
    return { call, heard, floor, began, ended: this.tick() }
  }

  private explain(): void {
    this.states = explain(this.states, this.unexplained, Date.now())
    this.unexplained = []
  }

  private remember(event: Event): void {
    this.unexplained.push(event)
    if (event.call === 'purge') return
    this.told.push({ ...event, minute: this.minute })
    const { call, heard } = event
    if (call.kind !== 'send' || !('data' in heard)) return
    const id = String(Object(heard.data).id)
    if (id > this.floor) this.floor = id
    this.cast.remember({ id, by: call.by, to: call.to.toLowerCase() })
  }
}
