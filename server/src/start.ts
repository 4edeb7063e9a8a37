import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createRouter, type AppRouter } from '@secure-messenger/api'
import type { Logger } from 'pino'
import { BcryptHasher, type Hasher } from './accounts/hasher.js'
import { monotonicClock, systemClock } from './clock.js'
import { ConfigError, type Config } from './config.js'
import { openDatabase, type Database } from './database/open.js'
import type { Source } from './database/source.js'
import { Delivery } from './delivery/delivery.js'
import { PostgresChannel } from './delivery/postgres-channel.js'
import { RedisChannel } from './delivery/redis-channel.js'
import { addressOf } from './http/address.js'
import { createApp } from './http/app.js'
import { RateLimiter } from './http/limits.js'
import { Metrics } from './http/metrics.js'
import type { OpenApiDocument } from './http/openapi.js'
import { checkReadiness, shareCheck } from './http/readiness.js'
import { HttpServer } from './http/server.js'
import { purge } from './retention/purge.js'
import { deleteForgotten } from './retention/store.js'
import { Schedule } from './retention/schedule.js'
import { Redis } from './redis.js'
import { keepOnce } from './kept-file.js'
import { createServices } from './services.js'
import { MIN_SECRET_BYTES } from './setting-values.js'
import { API_VERSION } from './version.js'
import type { PrimaryLink } from './workers/link.js'
import { openServerWide } from './workers/server-wide.js'

/** A server that listens. */
export interface Running {
  readonly address: string
  readonly database: string
  readonly secret: string
  /** Answers what was accepted, then stops everything that was started, the database last. */
  stop(): Promise<void>
}

const SECRET_BYTES = 48

function findSecretKeys({ secretKey, previousSecretKey, dataDir }: Config) {
  const previous = previousSecretKey ? [previousSecretKey] : []
  if (secretKey) return { keys: [secretKey, ...previous] as const, description: 'SECRET_KEY' }
  const file = path.join(dataDir, 'secret-key')
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  const kept = keepOnce(file, () => randomBytes(SECRET_BYTES).toString('base64'))
  if (Buffer.byteLength(kept) < MIN_SECRET_BYTES)
    throw new ConfigError([
      `${file} holds fewer than ${MIN_SECRET_BYTES} bytes: remove it, and a new one is made`,
    ])
  return { keys: [kept, ...previous] as const, description: `made for development and kept in ${file}` }
}

/**
 * Opens the database, builds the services, listens. What was given and started is stopped again where that fails.
 *
 * @param link - of a worker, to the process that counts for all workers
 * @param hasher - of passwords; it is closed with the server
 */
export async function start(
  config: Config,
  source: Source,
  log: Logger,
  link: PrimaryLink | undefined,
  hasher: Hasher = new BcryptHasher(),
): Promise<Running> {
  const database = await openDatabase(source, config, log)
  try {
    return await serve(config, database, log, link, hasher)
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Made when it is first asked for: what makes it takes an eighth of the time that a start takes. */
function documentOf(router: AppRouter): () => Promise<OpenApiDocument> {
  const make = async (): Promise<OpenApiDocument> => {
    const { createDocument } = await import('./http/openapi.js')
    return createDocument(router, API_VERSION)
  }
  let made: Promise<OpenApiDocument> | undefined
  return () => (made ??= make())
}

/** News goes by Redis where there is one, else by the database. */
function openDelivery(redis: Redis | undefined, { connection }: Database, log: Logger): Delivery {
  return new Delivery(
    (events) => (redis ? new RedisChannel(redis, events) : new PostgresChannel(connection, events, log)),
    monotonicClock,
  )
}

/** @returns the port, which of a worker is its first process's */
async function open(server: HttpServer, config: Config, link: PrimaryLink | undefined): Promise<number> {
  if (!link) return server.listen(config.port, config.host)
  server.prepare()
  link.onConnection((socket) => server.take(socket))
  return config.port
}

async function serve(
  config: Config,
  database: Database,
  log: Logger,
  link: PrimaryLink | undefined,
  hasher: Hasher,
): Promise<Running> {
  const { pool, prisma, connection, space } = database
  const secret = findSecretKeys(config)
  const metrics = new Metrics()
  const redis = config.redisUrl === undefined ? undefined : await Redis.open(config.redisUrl, log)
  const whole = openServerWide(config, metrics, link)
  const limiter = new RateLimiter(config.rates, (limit) => whole.counterOf(limit), redis)
  const clock = systemClock
  const delivery = openDelivery(redis, database, log)
  metrics.watchListeners(() => delivery.hub.size)
  metrics.watchSpace(space)
  const parts = { config, prisma, pool, room: space, limiter, hasher, delivery, clock }
  const router = createRouter(createServices({ ...parts, secretKeys: secret.keys, places: whole.places }))
  const app = createApp({
    ...config,
    router,
    metrics,
    log,
    readMetrics: () => whole.readMetrics(),
    readDocument: documentOf(router),
    checkReadiness: shareCheck(() => checkReadiness(pool, clock, space), monotonicClock),
  })
  const server = new HttpServer(app, config.tls)
  const port = await open(server, config, link)
  const retention = new Schedule(config.purgeSchedule, (signal) =>
    purge({ deleteForgotten, connection, observer: metrics.purge, log }, signal),
  )
  return {
    address: addressOf(config, port),
    database: database.description,
    secret: secret.description,
    async stop() {
      await link?.tellLeaving().catch(() => undefined)
      // Streams end and waits are answered: they would hold up the end for as long as they last.
      delivery.endListening()
      await server.drain(config.drainSeconds * 1000)
      await delivery.close()
      await hasher.close()
      await retention.stop()
      whole.close()
      redis?.close()
      await database.close()
    },
  }
}
