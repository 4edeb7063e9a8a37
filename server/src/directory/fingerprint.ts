import { createHash } from 'node:crypto'

/** Lower-case hex SHA-256 of a key's UTF-8 bytes. */
export function fingerprintOf(publicKey: string): string {
  return createHash('sha256').update(publicKey, 'utf8').digest('hex')
}
