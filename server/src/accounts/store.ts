import type { User } from '@secure-messenger/api'
import type { PrismaClient } from '../database/client.js'
import { asking, askingAgain } from '../database/faults.js'

/** What a login needs of an account. */
export interface Login {
  readonly id: string
  readonly passwordHash: string
  /** The database's, at the time of the login. */
  readonly epoch: string
}

export interface NewAccount {
  readonly username: string
  readonly passwordHash: string
  readonly publicKey: string
  readonly fingerprint: string
}

/** Accounts in the database. Names are found by their folded form (see the migration). */
export class AccountStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Those of the names that are taken, with what a login needs of each.
   *
   * @param names - as `parseUsername` gives them
   */
  async findLogins(names: readonly string[]): Promise<Map<string, Login>> {
    const rows = await this.prisma.$queryRaw<(Login & { readonly name: string })[]>`
      select lower(username collate "C") as name, id, password_hash as "passwordHash", (select id from epoch) as epoch
      from users where lower(username collate "C") = any(${names}::text[])`
    return new Map(rows.map((row) => [row.name, row]))
  }

  /** Makes an account and its first key in one statement. @returns undefined where the name is taken */
  async insert({ username, passwordHash, publicKey, fingerprint }: NewAccount): Promise<User | undefined> {
    const rows = await asking(
      () => this.prisma.$queryRaw<{ id: string; createdAt: Date }[]>`
        with account as (
          insert into users (username, password_hash) values (${username}, ${passwordHash})
          on conflict (lower(username collate "C")) do nothing
          returning id, created_at
        ), key as (
          insert into public_keys (user_id, public_key, fingerprint)
          select id, ${publicKey}, ${fingerprint} from account
        )
        select id, created_at as "createdAt" from account`,
    )
    const made = rows[0]
    return (
      made && {
        id: made.id,
        username,
        public_key: publicKey,
        key_version: 1,
        fingerprint,
        created_at: made.createdAt.toISOString(),
      }
    )
  }

  async findUser(id: string): Promise<User | undefined> {
    const rows = await askingAgain(
      () => this.prisma.$queryRaw<(Omit<User, 'created_at'> & { created_at: Date })[]>`
        select id, username, public_key, key_version, fingerprint, created_at
        from users join public_keys on user_id = id where id = ${id}::uuid`,
    )
    const found = rows[0]
    return found && { ...found, created_at: found.created_at.toISOString() }
  }
}
