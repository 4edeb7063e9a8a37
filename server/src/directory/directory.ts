import {
  ApiError,
  parseId,
  parseUsername,
  type DirectoryService,
  type FoundUser,
  type KeyUpdate,
  type Limiter,
  type PublicKey,
} from '@secure-messenger/api'
import { fingerprintOf } from './fingerprint.js'
import type { DirectoryStore } from './store.js'

/** Public keys, by id or by name. A malformed id or name names nothing. */
export class Directory implements DirectoryService {
  constructor(
    private readonly store: DirectoryStore,
    private readonly limiter: Limiter,
  ) {}

  get(readerId: string, userId: string): Promise<PublicKey> {
    return this.lookUp(readerId, parseId(userId), (id) => this.store.findKey(id))
  }

  find(readerId: string, username: string): Promise<FoundUser> {
    return this.lookUp(readerId, parseUsername(username), (name) => this.store.findUser(name))
  }

  async update(userId: string, { public_key }: KeyUpdate): Promise<PublicKey> {
    const key = await this.store.setKey(userId, public_key, fingerprintOf(public_key))
    if (!key) throw new ApiError('not_authenticated')
    return key
  }

  private async lookUp<T>(
    readerId: string,
    sought: string | undefined,
    find: (sought: string) => Promise<T | undefined>,
  ): Promise<T> {
    const found = sought === undefined ? undefined : await find(sought)
    if (found !== undefined) return found
    // Beyond the budget a miss is told as such no longer: nobody walks the directory.
    await this.limiter.take('lookup_miss', readerId)
    throw new ApiError('not_found', { detail: 'There is no such user.' })
  }
}
