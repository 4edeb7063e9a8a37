import { createClient } from '@redis/client'
import type { Logger } from 'pino'

const CONNECT_TIMEOUT_MS = 2000
/** A command that takes longer is given up: whoever waits for it has something else to do. */
const COMMAND_TIMEOUT_MS = 500
/** A link that is cut without a word is noticed by this. */
const PING_MS = 5000
const LONGEST_RETRY_MS = 2000

function create(url: string) {
  return createClient({
    url,
    // What cannot be sent now is not sent later: limits and news are about this moment.
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    commandOptions: { timeout: COMMAND_TIMEOUT_MS },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 6), LONGEST_RETRY_MS),
    },
  })
}

export type Redis = ReturnType<typeof create>

/** A client that connects, and connects again, by itself; the log says once when it is away and once when it is back. */
export function openRedis(url: string, log: Logger): Redis {
  const client = create(url)
  let away = false
  // An unheard 'error' event ends the process. Its message may name host and user.
  client.on('error', () => {
    if (!away)
      log.warn('Redis is away: limits are counted by each instance, and streams wait for the slow look')
    away = true
  })
  client.on('ready', () => {
    if (away) log.info('Redis is back')
    away = false
  })
  // It fails only once it is closed.
  client.connect().catch(() => undefined)
  return client
}

export function closeRedis(client: Redis): void {
  if (client.isOpen) client.destroy()
}
