import { z } from 'zod'
import { answeredId, fingerprint, keyVersion, username } from './values.js'

export const userRequest = z.strictObject({ username: z.string().meta({ example: 'alice' }) })

export const foundUser = z
  .object({ user_id: answeredId, username, key_version: keyVersion, fingerprint })
  .meta({ id: 'FoundUser' })
export type FoundUser = z.infer<typeof foundUser>
