import type { Credentials, Registration, Token, User } from './schemas/auth.js'
import type { KeyUpdate, PublicKey } from './schemas/keys.js'
import type { Ending } from './context.js'
import type { RateLimit } from './limits.js'
import type { LiveEvent } from './schemas/live.js'
import type {
  Confirmation,
  Confirmations,
  ListRequest,
  MessageStatus,
  Outgoing,
  Page,
  Receipt,
  StatusRequest,
} from './schemas/messages.js'
import type { FoundUser } from './schemas/users.js'

export interface LoggedIn {
  readonly token: Token
  /** The database's: another one than at the last login says that a backup was restored in between. */
  readonly epoch: string
}

/** Accounts and what proves them. */
export interface AccountsService {
  /** Throws `username_taken`, or `unavailable` when too many passwords wait. */
  register(registration: Registration): Promise<User>
  /**
   * Throws `invalid_credentials`, `rate_limited` by account name, or `unavailable` when too many passwords wait.
   *
   * @param presented - the bearer token that came with the login, if any: one of the same account, expired at
   *   most 30 days ago, keeps its owner from being locked out by strangers
   */
  login(credentials: Credentials, presented: string | undefined): Promise<LoggedIn>
  /** Throws `not_authenticated` where the account is gone. */
  me(userId: string): Promise<User>
}

/** The owner of a bearer token. */
export interface Caller {
  readonly userId: string
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** Who calls. Throws `not_authenticated` or `token_expired`. */
export interface Authenticator {
  authenticate(bearer: string | undefined): Caller
}

/** Public keys, found by id or by name. */
export interface DirectoryService {
  /** Throws `not_found`, or `rate_limited` for one who looked up too much that does not exist. */
  get(readerId: string, userId: string): Promise<PublicKey>
  /** Throws as `get` does. */
  find(readerId: string, username: string): Promise<FoundUser>
  /** Throws `not_authenticated` where the account is gone. */
  update(userId: string, update: KeyUpdate): Promise<PublicKey>
}

/** Messages on their way. A foreign message looks exactly like none: `not_found`. */
export interface MailboxService {
  /** Throws `not_authenticated`, `not_found` (the recipient), `message_id_reused` or `mailbox_full`. */
  send(senderId: string, message: Outgoing): Promise<Receipt>
  /**
   * Throws `rate_limited` where it is to wait and too many streams and waits are open.
   *
   * @param disconnected - ends a wait
   */
  list(recipientId: string, request: ListRequest, disconnected: () => Ending): Promise<Page>
  /**
   * What waits for the caller, and what comes. Throws `rate_limited` at once where too many streams and waits are open;
   * the iteration throws `unavailable` when the server stops.
   *
   * @param disconnected - ends it, and must come
   */
  live(caller: Caller, disconnected: Ending): Promise<AsyncIterable<LiveEvent>>
  confirm(recipientId: string, id: string): Promise<Confirmation>
  confirmMany(recipientId: string, ids: readonly string[]): Promise<Confirmations>
  status(senderId: string, request: StatusRequest): Promise<MessageStatus>
}

export interface Limiter {
  /**
   * Counts one call against a budget. Throws `rate_limited` once it is spent.
   *
   * @param subject - who is counted: a user's id, or a client's address
   */
  take(limit: RateLimit, subject: string): Promise<void>
  /** Throws `rate_limited` where the budget is spent; counts nothing. */
  check(limit: RateLimit, subject: string): Promise<void>
}

/** What the router needs from a server: one implementation an interface. */
export interface Services {
  readonly accounts: AccountsService
  readonly authenticator: Authenticator
  readonly directory: DirectoryService
  readonly mailbox: MailboxService
  readonly limiter: Limiter
}
