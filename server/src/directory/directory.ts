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
import type { Batcher } from '../database/batcher.js'
import { gatherLookUps } from '../database/look-ups.js'
import { fingerprintOf } from './fingerprint.js'
import type { DirectoryStore } from './store.js'

interface DirectoryOptions {
  readonly store: DirectoryStore
  readonly limiter: Limiter
}

/** Public keys, by id or by name. A malformed id or name names nothing. */
export class Directory implements DirectoryService {
  private readonly store: DirectoryStore
  private readonly limiter: Limiter
  private readonly keys: Batcher<string, PublicKey | undefined>

  constructor({ store, limiter }: DirectoryOptions) {
    this.store = store
    this.limiter = limiter
    this.keys = gatherLookUps((userIds) => store.findKeys(userIds))
  }

  get(readerId: string, userId: string): Promise<PublicKey> {
    return this.lookUp(readerId, parseId(userId), (id) => this.keys.add(id))
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
