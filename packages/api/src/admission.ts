import { TRPCError } from '@trpc/server'
import type { CallContext } from './context.js'
import { ApiError, ERRORS } from './errors.js'
import { toApiError } from './problem.js'
import type { RateLimit } from './limits.js'
import type { Limiter, Services } from './services.js'
import { t, type OperationMeta } from './trpc.js'

// Each way in is one middleware: every further link of tRPC's chain costs a call 10 µs, measured.

type Attempt = { readonly ok: true } | { readonly ok: false; readonly error: TRPCError }

function toTrpcError(error: ApiError): TRPCError {
  return new TRPCError({ code: ERRORS[error.code].trpc, message: error.message, cause: error })
}

/**
 * Whatever goes wrong leaves as a coded error. A call that ends in 401 is counted against its address, so that
 * guessing tokens is as bounded as everything else.
 */
async function answerInCodes<Result extends Attempt>(
  limiter: Limiter,
  { address }: CallContext,
  call: () => Promise<Result>,
): Promise<Result> {
  let thrown: unknown
  try {
    const result = await call()
    if (result.ok) return result
    thrown = result.error
  } catch (error) {
    thrown = error
  }
  const error = toApiError(thrown)
  if (error.status === 401) await takeCoded(limiter, address)
  throw toTrpcError(error)
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

/** What the door found wrong with the request, told now that its caller is known and counted. */
function refuseFaults({ refused, unreadable }: CallContext, hasFields: boolean): void {
  if (refused) throw refused
  if (hasFields && unreadable) throw unreadable
}

/** Counts the call against its client's address. */
export function admitAnyone(limiter: Limiter) {
  return t.middleware(({ ctx, meta, next }) =>
    answerInCodes(limiter, ctx, async () => {
      await limiter.take(limitOf(meta), ctx.address)
      refuseFaults(ctx, true)
      return next()
    }),
  )
}

/**
 * Lets the owner of a genuine token pass, and counts the call against that user.
 *
 * @param hasFields - an operation without fields ignores its input, readable or not
 */
export function admitBearer(
  { authenticator, limiter }: Pick<Services, 'authenticator' | 'limiter'>,
  { hasFields }: { readonly hasFields: boolean },
) {
  return t.middleware(({ ctx, meta, next }) =>
    answerInCodes(limiter, ctx, async () => {
      const { userId, expiresAt } = authenticator.authenticate(ctx.bearer)
      const limit = limitOf(meta)
      await limiter.take(limit, userId)
      // One who looked up too much that does not exist finds nothing more, found or not.
      if (limit === 'lookup') await limiter.check('lookup_miss', userId)
      refuseFaults(ctx, hasFields)
      return next({ ctx: { userId, expiresAt } })
    }),
  )
}
