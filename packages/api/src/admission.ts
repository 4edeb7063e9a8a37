import { TRPCError } from '@trpc/server'
import { ApiError, ERRORS } from './errors.js'
import { toApiError } from './problem.js'
import type { RateLimit } from './limits.js'
import type { Limiter, Services } from './services.js'
import { t, type OperationMeta } from './trpc.js'

function toTrpcError(error: ApiError): TRPCError {
  return new TRPCError({ code: ERRORS[error.code].trpc, message: error.message, cause: error })
}

/**
 * Outermost: whatever went wrong inside leaves as a coded error. A call that ends in 401 is counted against its
 * address, so that guessing tokens is as bounded as everything else.
 */
export function answerInCodes(limiter: Limiter) {
  return t.middleware(async ({ ctx, next }) => {
    const result = await next()
    if (result.ok) return result
    const error = toApiError(result.error)
    if (error.status === 401) await takeCoded(limiter, ctx.address)
    throw toTrpcError(error)
  })
}

async function takeCoded(limiter: Limiter, address: string): Promise<void> {
  try {
    await limiter.take('request', address)
  } catch (error) {
    throw toTrpcError(toApiError(error))
  }
}

function limitOf(meta: OperationMeta | undefined): RateLimit {
  if (!meta) throw new Error('a procedure without meta has no limit, and must not be served')
  return meta.limit
}

/** Counts the call against its client's address. */
export function admitAnyone(limiter: Limiter) {
  return t.middleware(async ({ ctx, meta, next }) => {
    await limiter.take(limitOf(meta), ctx.address)
    if (ctx.refused) throw ctx.refused
    return next()
  })
}

/** Lets the owner of a genuine token pass, and counts the call against that user. */
export function admitBearer({ authenticator, limiter }: Pick<Services, 'authenticator' | 'limiter'>) {
  return t.middleware(async ({ ctx, meta, next }) => {
    const userId = authenticator.authenticate(ctx.bearer)
    const limit = limitOf(meta)
    await limiter.take(limit, userId)
    // One who looked up too much that does not exist finds nothing more, found or not.
    if (limit === 'lookup') await limiter.check('lookup_miss', userId)
    if (ctx.refused) throw ctx.refused
    return next({ ctx: { userId } })
  })
}

/** Tells what the door found unreadable, now that the caller is known and counted. */
export const refuseUnreadable = t.middleware(async ({ ctx, next }) => {
  if (ctx.unreadable) throw ctx.unreadable
  return next()
})
