import { DELETE_FORGOTTEN } from '../../server/dist/retention/store.js'
import type { TestDatabase } from '../harness/database.js'
import { expectDefined } from '../harness/relay.js'
import { ask, type Call, type Door, type Heard } from './calls.js'
import { Cast } from './cast.js'
import { explain, type Event } from './explain.js'
import { makeMembers, type Member } from './people.js'
import { aged, withFloor, type State } from './state.js'
import { PEOPLE, type Step } from './steps.js'

/** A call as it went: in which round, and how many minutes had passed by then. */
export interface Told {
  readonly round: number
  readonly minute: number
  readonly call: Call
  readonly heard: Heard
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
  private round = 0
  minute = 0
  private readonly cast: Cast

  private constructor(
    private readonly places: Places,
    readonly members: readonly Member[],
  ) {
    const people = Object.fromEntries(members.map(({ id, token: _token, ...person }) => [id, person]))
    this.cast = new Cast(members)
    this.states = [{ people, messages: [], floor: '' }]
  }

  static async make(places: Places): Promise<World> {
    return new World(places, await makeMembers(places.database, PEOPLE))
  }

  /** Takes the steps all at once. @throws where the model cannot explain what is heard */
  async perform(steps: readonly Step[]): Promise<void> {
    const asked = steps.map((step) => ({
      step,
      call: step.kind === 'purge' ? undefined : this.cast.callOf(step),
    }))
    const events = await Promise.all(asked.map(({ step, call }) => this.happen(step, call)))
    this.states = explain(this.states, events, Date.now()).map(withFloor)
    for (const event of events) if (event !== 'purge') this.remember(event)
    this.round += 1
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

  private async happen(step: Step, call: Call | undefined): Promise<Event> {
    if (call) return { call, heard: await this.ask(step.door, call, step.instance) }
    await this.places.database.sql(DELETE_FORGOTTEN)
    return 'purge'
  }

  private remember({ call, heard }: { call: Call; heard: Heard }): void {
    this.told.push({ round: this.round, minute: this.minute, call, heard })
    if (call.kind !== 'send' || !('data' in heard)) return
    this.cast.remember({ id: String(Object(heard.data).id), by: call.by, to: call.to.toLowerCase() })
  }
}
