/** A rate as it is set. */
export type Budget = { readonly count: number; readonly windowSeconds: number } | 'off'

/** A bound as it is set. */
export type Cap = number | 'off'

/**
 * Rates, counted per procedure call over both doors together. Settings: `count/seconds`, or `off`.
 * Where instances count together and what they count in is away, a row either counts on each instance by itself
 * (`local`), or lets nobody pass (`refuse`): accounts can wait, conversations cannot.
 */
export const RATE_LIMITS = {
  /** Registrations per client address. */
  register: { setting: 'LIMIT_REGISTER', count: 20, windowSeconds: 3600, alone: 'refuse' },
  /** Login attempts per client address. */
  login: { setting: 'LIMIT_LOGIN', count: 10, windowSeconds: 60, alone: 'local' },
  /** Login attempts per account name; an owner who shows an old token of the account has a budget of its own. */
  login_account: { setting: 'LIMIT_LOGIN_ACCOUNT', count: 30, windowSeconds: 900, alone: 'local' },
  /** `keys.get` and `users.find` per user. */
  lookup: { setting: 'LIMIT_LOOKUP', count: 600, windowSeconds: 60, alone: 'local' },
  /** Lookups per user that found nothing; once spent, every lookup of that user is refused. */
  lookup_miss: { setting: 'LIMIT_LOOKUP_MISS', count: 60, windowSeconds: 600, alone: 'local' },
  /** Sends per user. */
  send: { setting: 'LIMIT_SEND', count: 1200, windowSeconds: 60, alone: 'local' },
  /** All other calls per user; calls that end in 401 per client address. */
  request: { setting: 'LIMIT_REQUEST', count: 3000, windowSeconds: 60, alone: 'local' },
} as const

export type RateLimit = keyof typeof RATE_LIMITS

/** Bounds on what is held at once. Settings: a number, or `off`. */
export const CAPS = {
  /** Live streams and waits open at once per user. */
  open: { setting: 'LIMIT_OPEN', value: 20 },
  /** Waiting messages of a mailbox. */
  mailboxMessages: { setting: 'MAILBOX_MAX_MESSAGES', value: 10_000 },
  /** Waiting ciphertext of a mailbox, bytes of UTF-8. */
  mailboxBytes: { setting: 'MAILBOX_MAX_BYTES', value: 268_435_456 },
  /** One sender may fill one part in this many of what the other senders leave free. */
  mailboxSenderShare: { setting: 'MAILBOX_SENDER_SHARE', value: 10 },
} as const

/** Passwords that may wait to be hashed. Setting: a number, always. */
export const PASSWORD_QUEUE = { setting: 'PASSWORD_QUEUE', value: 100 } as const

/** Bytes of a request body. */
export const MAX_BODY_BYTES = 1_048_576

/** Calls in one tRPC batch. */
export const MAX_BATCH_CALLS = 10

/** Bytes of ciphertext (UTF-8) at which a page of `messages.list` ends early. */
export const PAGE_BYTES = 2_097_152
