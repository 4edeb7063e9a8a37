import { z } from 'zod'
import { answeredId, fingerprint, keyVersion, publicKey, soughtId, time, username } from './values.js'

export const publicKeyRecord = z
  .object({
    user_id: answeredId,
    username,
    public_key: publicKey,
    key_version: keyVersion,
    fingerprint,
    updated_at: time,
  })
  .meta({ id: 'PublicKey' })
export type PublicKey = z.infer<typeof publicKeyRecord>

export const keyRequest = z.strictObject({ user_id: soughtId })

export const keyUpdate = z.strictObject({ public_key: publicKey }).meta({ id: 'KeyUpdate' })
export type KeyUpdate = z.infer<typeof keyUpdate>
