import type { Passing } from '../harness/database-link.js'

/** As PostgreSQL says it of an insert that is committed: a CommandComplete message. */
const COMMITTED = Buffer.from('INSERT 0 ')

/** While it is armed, cuts connections between an insert's commit and its answer: the server never learns of it. */
export class CommitCutter implements Passing {
  armed = false
  cuts = 0

  toServer(bytes: Buffer): boolean {
    if (!this.armed || !bytes.includes(COMMITTED)) return true
    this.cuts += 1
    return false
  }
}
