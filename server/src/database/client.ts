import { PrismaPg } from '@prisma/adapter-pg'
import type { Pool } from './pool.js'
import { PrismaClient } from './generated/client.js'

/** Prisma's client over the shared pool. */
export function createClient(pool: Pool): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(pool), errorFormat: 'minimal' })
}

export type { PrismaClient } from './generated/client.js'
