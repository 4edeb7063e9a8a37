/** What is mutated together, and the suites that are to notice, those first that notice most for their time. */
export interface Folder {
  readonly name: string
  readonly mutate: readonly string[]
  /** Paths below test/, of folders and files. */
  readonly suites: readonly string[]
}

const DOORS = ['parity', 'rpc']

export const FOLDERS: readonly Folder[] = [
  {
    name: 'server/src/directory',
    mutate: ['server/src/directory/**/*.ts'],
    suites: ['rest/keys', ...DOORS, 'limits/rates'],
  },
  {
    name: 'server/src/retention',
    mutate: ['server/src/retention/**/*.ts'],
    suites: ['retention/schedule', 'retention/purge', 'retention'],
  },
  {
    name: 'server/src/accounts',
    // The hashing itself is what these runs replace.
    mutate: [
      'server/src/accounts/**/*.ts',
      '!server/src/accounts/hasher.ts',
      '!server/src/accounts/hashing-thread.ts',
    ],
    suites: [
      'auth/password-queue',
      'auth/turnstile',
      'auth/admission',
      'auth/remembered-tokens',
      'auth/passwords-compared',
      'auth/token-times',
      'rest/accounts',
      'auth/passwords',
      'auth/tokens',
      ...DOORS,
      'limits/rates',
    ],
  },
  {
    name: 'server/src/mailbox',
    mutate: ['server/src/mailbox/**/*.ts'],
    suites: [
      'mailbox',
      'rest/messages',
      'limits/mailbox',
      'live/stream',
      'live/wait',
      'retention',
      'database/shards',
    ],
  },
  {
    name: 'packages/api/src',
    mutate: ['packages/api/src/*.ts'],
    suites: [...DOORS, 'rest', 'limits/rates', 'live/rpc-stream', 'live/wait'],
  },
  {
    name: 'packages/api/src/routers',
    mutate: ['packages/api/src/routers/*.ts'],
    suites: [
      'rest/beside',
      'rest/document',
      ...DOORS,
      'rest',
      'limits/rates',
      'live/rpc-stream',
      'live/wait',
    ],
  },
  {
    name: 'packages/api/src/schemas',
    mutate: ['packages/api/src/schemas/*.ts'],
    suites: ['rest/beside', ...DOORS, 'rest', 'live/rpc-stream', 'live/wait'],
  },
]
