import bcrypt from 'bcrypt'

const ROUNDS = 12

/** One-way hashes of passwords. */
export interface Hasher {
  hash(password: string): Promise<string>
  matches(password: string, hash: string): Promise<boolean>
}

export const bcryptHasher: Hasher = {
  hash: (password) => bcrypt.hash(password, ROUNDS),
  matches: (password, hash) => bcrypt.compare(password, hash),
}
