import { createHash } from 'node:crypto'
import {
  ApiError,
  parseUsername,
  type AccountsService,
  type Credentials,
  type Limiter,
  type LoggedIn,
  type Registration,
  type User,
} from '@secure-messenger/api'
import type { Batcher } from '../database/batcher.js'
import { shortOfRoom, type Room } from '../database/free-space.js'
import { gatherLookUps } from '../database/look-ups.js'
import { fingerprintOf } from '../directory/fingerprint.js'
import type { Passwords } from './passwords.js'
import type { AccountStore, Login } from './store.js'
import type { Tokens } from './tokens.js'
import type { Turnstile } from './turnstile.js'

interface AccountsOptions {
  readonly store: Pick<AccountStore, 'findLogins' | 'insert' | 'findUser'>
  readonly turnstile: Turnstile
  readonly passwords: Pick<Passwords, 'hash' | 'matches'>
  readonly tokens: Tokens
  readonly limiter: Limiter
  readonly room: Room
}

/** Registering, logging in, and who one is. */
export class Accounts implements AccountsService {
  /** Gathered: in a storm of logins one statement holds one connection, and leaves the others to everybody. */
  private readonly logins: Batcher<string, Login | undefined>

  constructor(private readonly options: AccountsOptions) {
    this.logins = gatherLookUps((names) => options.store.findLogins(names))
  }

  async register({ username, password, public_key }: Registration): Promise<User> {
    const { store, turnstile, passwords, room } = this.options
    // Before anything is looked for: what is refused for this reason must not tell which names are taken.
    if (room.isShort) throw shortOfRoom()
    await turnstile.pass()
    const name = parseUsername(username)
    // A taken name costs no hash; the insert alone decides between two who register it at once.
    if (!name || (await this.logins.add(name))) throw new ApiError('username_taken')
    const passwordHash = await passwords.hash(password)
    const fingerprint = fingerprintOf(public_key)
    const user = await store.insert({ username, passwordHash, publicKey: public_key, fingerprint })
    if (!user) throw new ApiError('username_taken')
    return user
  }

  async login({ username, password }: Credentials, presented: string | undefined): Promise<LoggedIn> {
    const { turnstile, passwords, tokens } = this.options
    await turnstile.pass()
    const { account, standing } = await this.admit(username, tokens.ownerOf(presented))
    if (!(await passwords.matches(password, account?.passwordHash, standing)) || !account)
      throw new ApiError('invalid_credentials')
    return { token: tokens.issue(account.id), epoch: account.epoch }
  }

  async me(userId: string): Promise<User> {
    const user = await this.options.store.findUser(userId)
    if (!user) throw new ApiError('not_authenticated')
    return user
  }

  /**
   * Counts the attempt and finds the account. Strangers share the name's budget, which is counted before the database
   * is asked; the owner, who shows a token of this very account, has another, so that they cannot lock him out.
   */
  private async admit(
    username: string,
    ownerId: string | undefined,
  ): Promise<{ account: Login | undefined; standing: 'owner' | 'stranger' }> {
    const { limiter } = this.options
    const name = parseUsername(username)
    const find = async (): Promise<Login | undefined> => (name ? this.logins.add(name) : undefined)
    const owned = ownerId ? await find() : undefined
    if (owned && owned.id === ownerId) {
      await limiter.take('login_account', `owner:${owned.id}`)
      return { account: owned, standing: 'owner' }
    }
    // Hashed: a name that nobody could register may be a megabyte long.
    await limiter.take(
      'login_account',
      createHash('sha256')
        .update(name ?? username)
        .digest('base64'),
    )
    return { account: owned ?? (await find()), standing: 'stranger' }
  }
}
