import { createSecretKey, randomUUID, type KeyObject } from 'node:crypto'
import {
  ApiError,
  TOKEN_LIFE_SECONDS,
  type Authenticator,
  type Caller,
  type Token,
} from '@secure-messenger/api'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import type { Clock } from '../clock.js'

const ISSUER = 'secure-messenger'
const AUDIENCE = 'secure-messenger'
const ALGORITHM = 'HS256'
/** Instances' clocks may differ by this much. */
const LEEWAY_SECONDS = 5
/** How long after its end a token still shows that its bearer once knew the account's password. */
const OWNERSHIP_SECONDS = 30 * 86_400

/** Tokens whose signature was checked; the time is looked at again at every call. */
const MAX_KNOWN = 10_000

const claims = z
  .object({
    sub: z.guid().toLowerCase(),
    iat: z.int(),
    exp: z.int(),
    jti: z.string().min(1),
  })
  .refine(({ iat, exp }) => exp === iat + TOKEN_LIFE_SECONDS)
type Claims = z.infer<typeof claims>

interface TokenOptions {
  /** The first signs; all are accepted. */
  readonly secretKeys: readonly [string, ...string[]]
  readonly clock: Clock
}

/** Access tokens: JWTs that say whose they are, for 30 minutes. */
export class Tokens implements Authenticator {
  // `jsonwebtoken` first tries to read a secret given as text as a public key, which costs 400 µs a token.
  private readonly keys: readonly [KeyObject, ...KeyObject[]]
  private readonly clock: Clock
  /** By the token's text: a tenth of a send's time went into checking the same signature again. */
  private readonly known = new Map<string, Claims>()

  constructor({ secretKeys: [current, ...previous], clock }: TokenOptions) {
    this.keys = [toKey(current), ...previous.map(toKey)]
    this.clock = clock
  }

  issue(userId: string): Token {
    const issuedAt = this.seconds()
    const token = jwt.sign({ iat: issuedAt, exp: issuedAt + TOKEN_LIFE_SECONDS }, this.keys[0], {
      algorithm: ALGORITHM,
      issuer: ISSUER,
      audience: AUDIENCE,
      subject: userId,
      jwtid: randomUUID(),
    })
    return { access_token: token, token_type: 'bearer', expires_in: TOKEN_LIFE_SECONDS }
  }

  authenticate(bearer: string | undefined): Caller {
    const genuine = bearer === undefined ? undefined : this.read(bearer)
    const now = this.seconds()
    if (!genuine || genuine.iat > now + LEEWAY_SECONDS) throw new ApiError('not_authenticated')
    if (genuine.exp + LEEWAY_SECONDS <= now) throw new ApiError('token_expired')
    const end = now < genuine.exp ? genuine.exp : genuine.exp + LEEWAY_SECONDS
    return { userId: genuine.sub, expiresAt: end * 1000 }
  }

  /** Whose account a genuine token shows, if it ended at most 30 days ago. */
  ownerOf(bearer: string | undefined): string | undefined {
    const genuine = bearer === undefined ? undefined : this.read(bearer)
    if (!genuine || genuine.exp + OWNERSHIP_SECONDS < this.seconds()) return undefined
    return genuine.iat > this.seconds() + LEEWAY_SECONDS ? undefined : genuine.sub
  }

  /** The claims of a token that one of the keys signed, whatever the time. */
  private read(bearer: string): Claims | undefined {
    const known = this.known.get(bearer)
    if (known) return known
    const verified = this.verify(bearer)
    if (verified) this.keep(bearer, verified)
    return verified
  }

  private keep(bearer: string, verified: Claims): void {
    const oldest = this.known.keys().next()
    if (this.known.size >= MAX_KNOWN && !oldest.done) this.known.delete(oldest.value)
    this.known.set(bearer, verified)
  }

  private verify(bearer: string): Claims | undefined {
    for (const key of this.keys) {
      try {
        const payload = jwt.verify(bearer, key, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          ignoreExpiration: true,
          clockTimestamp: this.seconds(),
          clockTolerance: LEEWAY_SECONDS,
        })
        return claims.safeParse(payload).data
      } catch {
        continue
      }
    }
    return undefined
  }

  private seconds(): number {
    return Math.floor(this.clock() / 1000)
  }
}

function toKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'))
}
