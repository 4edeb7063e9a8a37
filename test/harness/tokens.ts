import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'

export const SECRET_KEY = 'the-secret-of-the-test-suites-0123456789'

/** A token as the server would issue it, but for what is overridden. */
export function tokenFor(userId: string, over: jwt.JwtPayload = {}, secret = SECRET_KEY): string {
  const iat = over.iat ?? Math.floor(Date.now() / 1000)
  const payload = {
    iss: 'secure-messenger',
    aud: 'secure-messenger',
    sub: userId,
    jti: randomUUID(),
    iat,
    exp: iat + 1800,
    ...over,
  }
  return jwt.sign(payload, Buffer.from(secret, 'utf8'), { algorithm: 'HS256' })
}
