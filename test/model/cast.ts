import { randomUUID } from 'node:crypto'
import { expectDefined } from '../harness/relay.js'
import type { Call } from './calls.js'
import type { Member } from './people.js'
import type { Step, Which } from './steps.js'

type Asking = Exclude<Step, { kind: 'purge' }>
type OfKind<Kind extends Asking['kind']> = Extract<Asking, { kind: Kind }>
type AboutOne = OfKind<'confirm' | 'confirm_many' | 'status'>

/** A message as its sender knows it. */
interface Sent {
  readonly id: string
  readonly by: string
  readonly to: string
}

/** Who and what the steps of one run are about. */
export class Cast {
  /** In the order in which they were first heard of. */
  private readonly sent: Sent[] = []
  private readonly clientMessageIds = Array.from({ length: 3 }, () => randomUUID())

  constructor(private readonly members: readonly Member[]) {}

  remember(message: Sent): void {
    if (this.sent.every(({ id }) => id !== message.id)) this.sent.push(message)
  }

  /** The step with the ids that there are now. */
  callOf(step: Asking): Call {
    switch (step.kind) {
      case 'send':
        return this.sendOf(step)
      case 'list': {
        const after = step.after === undefined ? undefined : written(step, this.messageAt(step.after).id)
        return { kind: step.kind, by: this.memberAt(step.by).id, limit: step.limit, after }
      }
      case 'confirm':
      case 'confirm_many':
      case 'status':
        return this.callAbout(step)
      case 'get_key':
        return { kind: step.kind, by: this.memberAt(step.by).id, of: this.idAt(step, step.of) }
      case 'update_key':
        return { kind: step.kind, by: this.memberAt(step.by).id, publicKey: step.publicKey }
      case 'find_user':
        break
    }
    const username = step.of === 'nobody' ? 'no-such-user' : this.memberAt(step.of).username
    return { kind: 'find_user', by: this.memberAt(step.by).id, username: written(step, username) }
  }

  private sendOf(step: OfKind<'send'>): Call {
    const { kind, ciphertext, clientMessageId: key } = step
    const clientMessageId =
      key === undefined ? undefined : written(step, expectDefined(this.clientMessageIds[key]))
    return { kind, by: this.memberAt(step.by).id, to: this.idAt(step, step.to), ciphertext, clientMessageId }
  }

  private callAbout(step: AboutOne): Call {
    const which = typeof step.which === 'object' ? step.which : [step.which]
    const messages = which.map((each) => this.messageAt(each))
    const { id, by: sender, to } = expectDefined(messages[0])
    const who = { sender, recipient: to }
    const by = typeof step.by === 'number' ? this.memberAt(step.by).id : who[step.by]
    if (step.kind === 'confirm') return { kind: step.kind, by, id: written(step, id) }
    if (step.kind === 'status') return { kind: step.kind, by, id: written(step, id), to }
    // The first again, perhaps written otherwise: an id that is repeated is answered once.
    return { kind: step.kind, by, ids: [...messages.map((message) => message.id), written(step, id)] }
  }

  private memberAt(who: number): Member {
    return expectDefined(this.members[who % this.members.length])
  }

  private idAt(step: Asking, who: number | 'nobody'): string {
    return written(step, who === 'nobody' ? randomUUID() : this.memberAt(who).id)
  }

  private messageAt(which: Which): Sent {
    const found = which === 'unknown' ? undefined : this.sent.at(-1 - (which % this.sent.length))
    return found ?? { id: randomUUID(), by: this.memberAt(0).id, to: this.memberAt(1).id }
  }
}

function written({ shouts }: Asking, text: string): string {
  return shouts ? text.toUpperCase() : text
}
