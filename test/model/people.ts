import { randomBytes } from 'node:crypto'
import type { TestDatabase } from '../harness/database.js'
import { tokenFor } from '../harness/tokens.js'
import { fingerprintOf } from './keys-model.js'
import type { Person } from './state.js'

export interface Member extends Person {
  readonly id: string
  readonly token: string
}

const FIRST_KEY = 'the first key'

/** People with keys whom nobody registered: a password's hash for each of a run's would take longer than the run. */
export async function makeMembers(database: TestDatabase, count: number): Promise<Member[]> {
  const usernames = Array.from({ length: count }, () => `Member_${randomBytes(8).toString('hex')}`)
  const rows = await database.sql<{ id: string; username: string; updated_at: Date }>(
    `with made as (
        insert into users (username, password_hash) select unnest($1::text[]), 'x' returning id, username
      ), keyed as (
        insert into public_keys (user_id, public_key, fingerprint) select id, $2, $3 from made returning user_id, updated_at
      )
      select id, username, updated_at from made join keyed on user_id = id`,
    [usernames, FIRST_KEY, fingerprintOf(FIRST_KEY)],
  )
  return rows.map(({ id, username, updated_at }) => ({
    id,
    username,
    token: tokenFor(id),
    publicKey: FIRST_KEY,
    keyVersion: 1,
    keyUpdatedAt: updated_at.getTime(),
  }))
}
