import { z } from 'zod'
import { answeredId, fingerprint, keyVersion, password, publicKey, time, username } from './values.js'

export const registration = z
  .strictObject({ username, password, public_key: publicKey })
  .meta({ id: 'Registration' })
export type Registration = z.infer<typeof registration>

export const user = z
  .object({
    id: answeredId,
    username,
    public_key: publicKey,
    key_version: keyVersion,
    fingerprint,
    created_at: time,
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof user>

/** OAuth2's password flow (RFC 6749, 4.3). Types alone are checked: a name that nobody could have is 401, not 422. */
export const credentials = z
  .strictObject({
    username: z.string().meta({ example: 'alice' }),
    password: z.string().meta({ format: 'password', example: 'correct horse battery' }),
    grant_type: z.literal('password').optional(),
    scope: z.string().optional(),
    client_id: z.string().optional(),
    client_secret: z.string().optional(),
  })
  .meta({ id: 'Credentials' })
export type Credentials = z.infer<typeof credentials>

export const TOKEN_LIFE_SECONDS = 1800

export const token = z
  .object({
    access_token: z.string().meta({ description: 'A JWT for the Authorization header.' }),
    token_type: z.literal('bearer'),
    expires_in: z.int().min(1).meta({ description: 'Seconds.', example: TOKEN_LIFE_SECONDS }),
  })
  .meta({ id: 'Token' })
export type Token = z.infer<typeof token>
