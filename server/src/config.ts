import { existsSync } from 'node:fs'
import {
  CAPS,
  PASSWORD_QUEUE,
  RATE_LIMITS,
  type Budget,
  type Cap,
  type RateLimit,
} from '@secure-messenger/api'
import { z } from 'zod'
import {
  booleanText,
  budget,
  cap,
  contentsOfFile,
  databaseUrls,
  folders,
  networks,
  origins,
  proxies,
  redisUrl,
  schedule,
  secret,
  wholeNumber,
} from './setting-values.js'

const MESSAGE_LIFE_SECONDS = 604_800
/** Sixteen segments of PostgreSQL's log: what goes on being written, confirmations and the purge, must have room, too. */
const MIN_FREE_DISK_BYTES = 268_435_456
const rateSettings = Object.fromEntries(
  Object.values(RATE_LIMITS).map(({ setting }) => [setting, budget.optional()]),
)
const capSettings = Object.fromEntries(Object.values(CAPS).map(({ setting }) => [setting, cap.optional()]))

const environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: wholeNumber(0, 65_535).default(8000),
  HOST: z.string().optional(),
  SECRET_KEY: secret.optional(),
  SECRET_KEY_PREVIOUS: secret.optional(),
  DATABASE_URL: databaseUrls.optional(),
  REDIS_URL: redisUrl.optional(),
  WEB_CONCURRENCY: wholeNumber(1, 64).default(1),
  DATABASE_POOL_SIZE: wholeNumber(2, 200).default(10),
  ALLOW_UNSAFE_DATABASE: booleanText.default(false),
  DATA_DIR: z.string().default('./data'),
  MIN_FREE_DISK: cap.default(MIN_FREE_DISK_BYTES),
  DISK_FOLDERS: folders.default([]),
  CORS_ORIGINS: origins.default([]),
  TRUST_PROXY: proxies.optional(),
  FORCE_HTTPS: booleanText.optional(),
  TLS_CERT_FILE: contentsOfFile().optional(),
  TLS_KEY_FILE: contentsOfFile().optional(),
  METRICS_ALLOW: networks.optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  LOG_ADDRESS: z.enum(['none', 'network', 'full']).default('none'),
  MESSAGE_LIFE_SECONDS: wholeNumber(1, MESSAGE_LIFE_SECONDS).default(MESSAGE_LIFE_SECONDS),
  PURGE_SCHEDULE: schedule.default('* * * * *'),
  DRAIN_SECONDS: wholeNumber(0, 600).default(10),
  LIMITS: z.enum(['on', 'off']).default('on'),
  [PASSWORD_QUEUE.setting]: wholeNumber(1, 100_000).default(PASSWORD_QUEUE.value),
})

const rates = z.object(rateSettings)
const caps = z.object(capSettings)

export type Config = ReturnType<typeof readConfig>

/** Every setting that is missing or wrong, at once; its message is made for the person who starts the server. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(`The settings do not allow a start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  }
}

/** What only the whole says. Looked for in what was given, so that it is told together with what could not be read. */
function crossCheck(given: Record<string, string | undefined>): string[] {
  const problems: string[] = []
  const production = given['NODE_ENV'] === 'production'
  if (production && given['SECRET_KEY'] === undefined)
    problems.push(
      'SECRET_KEY is missing: set at least 32 random bytes; `openssl rand -base64 48` makes a good one',
    )
  if (
    production &&
    (given['MESSAGE_LIFE_SECONDS'] ?? String(MESSAGE_LIFE_SECONDS)) !== String(MESSAGE_LIFE_SECONDS)
  )
    problems.push('MESSAGE_LIFE_SECONDS may be shorter outside production only: remove it')
  if ((given['TLS_CERT_FILE'] === undefined) !== (given['TLS_KEY_FILE'] === undefined))
    problems.push('TLS_CERT_FILE and TLS_KEY_FILE go together: set both or neither')
  const blind = given['DATABASE_URL'] !== undefined && given['DISK_FOLDERS'] === undefined
  if (blind && (given['MIN_FREE_DISK'] ?? 'off') !== 'off')
    problems.push(
      "MIN_FREE_DISK needs DISK_FOLDERS beside DATABASE_URL: that database's disk is not known otherwise",
    )
  return problems
}

function issueLines(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
}

/**
 * The settings of this process, from its environment, and from a .env file in the working folder where that is silent.
 *
 * @throws ConfigError with every problem at once
 */
export function loadConfig(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return readConfig(process.env)
}

/**
 * The settings out of an environment.
 *
 * @param env - the environment; an empty value counts as none
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const [main, rateRows, capRows] = [
    environment.safeParse(given),
    rates.safeParse(given),
    caps.safeParse(given),
  ]
  const problems = [main, rateRows, capRows].flatMap((parsed) =>
    parsed.error ? issueLines(parsed.error) : [],
  )
  problems.push(...crossCheck(given))
  if (!main.data || !rateRows.data || !capRows.data || problems.length > 0) throw new ConfigError(problems)
  const settings = main.data
  const production = settings.NODE_ENV === 'production'
  const limited = settings.LIMITS === 'on'
  return {
    production,
    port: settings.PORT,
    host: settings.HOST ?? (production ? undefined : '127.0.0.1'),
    secretKey: settings.SECRET_KEY,
    previousSecretKey: settings.SECRET_KEY_PREVIOUS,
    databaseUrls: settings.DATABASE_URL,
    redisUrl: settings.REDIS_URL,
    workers: settings.WEB_CONCURRENCY,
    databasePoolSize: settings.DATABASE_POOL_SIZE,
    allowUnsafeDatabase: settings.ALLOW_UNSAFE_DATABASE,
    dataDir: settings.DATA_DIR,
    minFreeDiskBytes: settings.MIN_FREE_DISK,
    diskFolders: settings.DISK_FOLDERS,
    corsOrigins: settings.CORS_ORIGINS,
    trustedProxies: settings.TRUST_PROXY,
    forceHttps: settings.FORCE_HTTPS ?? production,
    tls:
      settings.TLS_CERT_FILE && settings.TLS_KEY_FILE
        ? { cert: settings.TLS_CERT_FILE, key: settings.TLS_KEY_FILE }
        : undefined,
    metricsAllow: settings.METRICS_ALLOW,
    logLevel: settings.LOG_LEVEL,
    logAddress: settings.LOG_ADDRESS,
    messageLifeSeconds: settings.MESSAGE_LIFE_SECONDS,
    purgeSchedule: settings.PURGE_SCHEDULE,
    drainSeconds: settings.DRAIN_SECONDS,
    limited,
    rates: readRates(rateRows.data, limited),
    caps: readCaps(capRows.data, limited),
    passwordQueue: settings[PASSWORD_QUEUE.setting],
  }
}

function readRates(given: Record<string, Budget | undefined>, limited: boolean): Record<RateLimit, Budget> {
  const row = (limit: RateLimit): Budget => {
    const { setting, count, windowSeconds } = RATE_LIMITS[limit]
    return limited ? (given[setting] ?? { count, windowSeconds }) : 'off'
  }
  return {
    register: row('register'),
    login: row('login'),
    login_account: row('login_account'),
    lookup: row('lookup'),
    lookup_miss: row('lookup_miss'),
    send: row('send'),
    request: row('request'),
  }
}

function readCaps(given: Record<string, Cap | undefined>, limited: boolean): Record<keyof typeof CAPS, Cap> {
  const row = (name: keyof typeof CAPS): Cap =>
    limited ? (given[CAPS[name].setting] ?? CAPS[name].value) : 'off'
  return {
    open: row('open'),
    mailboxMessages: row('mailboxMessages'),
    mailboxBytes: row('mailboxBytes'),
    mailboxSenderShare: row('mailboxSenderShare'),
  }
}
