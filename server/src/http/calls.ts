import type { IncomingMessage } from 'node:http'
import { ApiError, type CallContext } from '@secure-messenger/api'
import { readBody, type Body, type BodyType } from './body.js'
import { runChain } from './chain.js'
import type { Operation } from './routes.js'

/** A body, or why it is not taken; `gone` where the client went away while it was read. */
export type Arrival = Body | ApiError | 'gone'

export async function receiveBody(req: IncomingMessage, accepted: readonly BodyType[]): Promise<Arrival> {
  try {
    return await readBody(req, accepted)
  } catch (error) {
    return error instanceof ApiError ? error : 'gone'
  }
}

/**
 * Calls an operation's procedure as tRPC would.
 *
 * @param input - read only after the caller was admitted; what it throws is the call's error
 */
export function callProcedure(
  operation: Operation,
  ctx: CallContext,
  input: () => unknown,
): Promise<unknown> {
  const { name: path, kind: type, meta } = operation
  return runChain(operation.chain, { path, type, meta, ctx, getRawInput: async () => input() })
}
