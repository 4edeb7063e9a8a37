import type { FoundUser, PublicKey } from '@secure-messenger/api'
import type { PrismaClient } from '../database/client.js'
import { askingAgain } from '../database/faults.js'
import type { Pool } from '../database/pool.js'

interface KeyRow {
  readonly user_id: string
  readonly username: string
  readonly public_key: string
  readonly key_version: number
  readonly fingerprint: string
  readonly updated_at: Date
}

function toPublicKey(row: KeyRow): PublicKey {
  return { ...row, updated_at: row.updated_at.toISOString() }
}

/** Public keys in the database. */
export class DirectoryStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly pool: Pool,
  ) {}

  /** The present keys of those of the accounts that exist, by account. */
  async findKeys(userIds: readonly string[]): Promise<Map<string, PublicKey>> {
    const { rows } = await this.pool.query<PublicKey>({
      name: 'find-keys',
      text: `select k.user_id, u.username, k.public_key, k.key_version, k.fingerprint, k.updated_at
        from public_keys k join users u on u.id = k.user_id where k.user_id = any($1::uuid[])`,
      values: [userIds],
    })
    return new Map(rows.map((row) => [row.user_id, row]))
  }

  /** @param name - as `parseUsername` gives it */
  async findUser(name: string): Promise<FoundUser | undefined> {
    const [row] = await askingAgain(
      () => this.prisma.$queryRaw<FoundUser[]>`
        select k.user_id, u.username, k.key_version, k.fingerprint
        from users u join public_keys k on k.user_id = u.id where lower(u.username collate "C") = ${name}`,
    )
    return row
  }

  /** Sets the key; the present one again changes nothing. @returns undefined where there is no such account */
  async setKey(userId: string, publicKey: string, fingerprint: string): Promise<PublicKey | undefined> {
    const [row] = await askingAgain(
      () => this.prisma.$queryRaw<KeyRow[]>`
        update public_keys k set
          public_key = ${publicKey},
          fingerprint = ${fingerprint},
          key_version = k.key_version + case when k.public_key = ${publicKey} then 0 else 1 end,
          updated_at = case when k.public_key = ${publicKey} then k.updated_at else t.at end
        from (select now() as at) t, users u
        where k.user_id = ${userId}::uuid and u.id = k.user_id
        returning k.user_id, u.username, k.public_key, k.key_version, k.fingerprint, k.updated_at`,
    )
    return row && toPublicKey(row)
  }
}
