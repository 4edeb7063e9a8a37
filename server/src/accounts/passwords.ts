import { registration } from '@secure-messenger/api'
import type { Hasher } from './hasher.js'
import type { PasswordQueue, Standing } from './password-queue.js'

/** Hashing and checking of passwords, in the queue. */
export class Passwords {
  // An unknown account costs the same time as a wrong password.
  private readonly decoy: string

  constructor(
    private readonly queue: PasswordQueue,
    private readonly hasher: Hasher,
  ) {
    this.decoy = hasher.decoy()
  }

  hash(password: string): Promise<string> {
    return this.queue.run('stranger', () => this.hasher.hash(password))
  }

  /**
   * Whether the password is the one of the hash. Without a hash, or with a password that nobody could have registered
   * (bcrypt would cut it at 72 bytes), the same work is done for a "no".
   */
  async matches(password: string, hash: string | undefined, standing: Standing): Promise<boolean> {
    const possible = hash !== undefined && registration.shape.password.safeParse(password).success
    const compared = possible ? hash : this.decoy
    const matched = await this.queue.run(standing, () => this.hasher.matches(password, compared))
    return possible && matched
  }
}
