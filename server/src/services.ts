import { availableParallelism } from 'node:os'
import type { Limiter, Services } from '@secure-messenger/api'
import { Accounts } from './accounts/accounts.js'
import type { Hasher } from './accounts/hasher.js'
import { PasswordQueue } from './accounts/password-queue.js'
import { Passwords } from './accounts/passwords.js'
import { AccountStore } from './accounts/store.js'
import { Tokens } from './accounts/tokens.js'
import { Turnstile } from './accounts/turnstile.js'
import { monotonicClock, type Clock } from './clock.js'
import type { Config } from './config.js'
import type { PrismaClient } from './database/client.js'
import type { Room } from './database/free-space.js'
import type { Pool } from './database/pool.js'
import type { Delivery } from './delivery/delivery.js'
import { Directory } from './directory/directory.js'
import { DirectoryStore } from './directory/store.js'
import { Capacity } from './mailbox/capacity.js'
import { Mailbox } from './mailbox/mailbox.js'
import { createOrderedIds } from './mailbox/ordered-id.js'
import { OpenPlaces, type Places } from './mailbox/open-places.js'
import { PageStore } from './mailbox/page-store.js'
import { MailboxStore } from './mailbox/store.js'

export interface ServicesOptions {
  readonly config: Config
  readonly secretKeys: readonly [string, ...string[]]
  readonly prisma: PrismaClient
  readonly pool: Pool
  readonly room: Room
  readonly limiter: Limiter
  readonly hasher: Hasher
  readonly delivery: Delivery
  readonly places: Places
  readonly clock: Clock
}

/** Which implementation serves each interface of the API. */
export function createServices({
  config,
  secretKeys,
  prisma,
  pool,
  room,
  limiter,
  hasher,
  delivery,
  places,
  clock,
}: ServicesOptions): Services {
  const tokens = new Tokens({ secretKeys, clock })
  const concurrency = Math.ceil(availableParallelism() / config.workers)
  const queue = new PasswordQueue({
    concurrency,
    capacity: Math.ceil(config.passwordQueue / config.workers),
  })
  const mailboxStore = new MailboxStore(pool, config.messageLifeSeconds)
  return {
    authenticator: tokens,
    limiter,
    accounts: new Accounts({
      store: new AccountStore(prisma),
      turnstile: new Turnstile(concurrency),
      passwords: new Passwords(queue, hasher),
      tokens,
      limiter,
      room,
    }),
    directory: new Directory({ store: new DirectoryStore(prisma, pool), limiter }),
    mailbox: new Mailbox({
      store: mailboxStore,
      pages: new PageStore(pool),
      capacity: new Capacity(mailboxStore, config.caps, monotonicClock),
      places: new OpenPlaces(places),
      delivery,
      room,
      clock,
      monotonic: monotonicClock,
      makeId: createOrderedIds(clock),
    }),
  }
}
