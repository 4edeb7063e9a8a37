import { ApiError, toApiError, validationFailed } from '@secure-messenger/api'
import { RPC_PREFIX } from './answers.js'
import { parseJson } from './body.js'
import type { Exchange } from './exchange.js'
import { parseUrlEncoded } from './urlencoded.js'

/** What a URL below /trpc/ asks for. */
export interface RpcRequest {
  readonly names: readonly string[]
  readonly batched: boolean
  readonly input: string | undefined
  /** Broken encoding, or `input` twice: told once the caller was admitted. */
  readonly unreadable: ApiError | undefined
}

export function readUrl({ path, query }: Exchange): RpcRequest {
  const name = path.slice(RPC_PREFIX.length)
  let parameters: [string, string][] = []
  let unreadable: ApiError | undefined
  try {
    parameters = parseUrlEncoded(query)
  } catch (error) {
    unreadable = toApiError(error)
  }
  const inputs = parameters.filter(([parameter]) => parameter === 'input')
  if (inputs.length > 1) unreadable = validationFailed([{ path: 'input', message: 'is given twice' }])
  // Looked for before decoding: a parameter whose encoding is broken does not turn a batch into a call.
  const batched = query.split('&').find((pair) => pair.startsWith('batch=')) === 'batch=1'
  const input = inputs[0]?.[1]
  unreadable ??= batched ? envelopeFault(input) : undefined
  return { names: (batched ? name.split(',') : [name]).map(inert), batched, input, unreadable }
}

/** tRPC decodes the names that it is given; one that is encoded names nothing here, and nothing there. */
function inert(name: string): string {
  return /^[\w.-]*$/.test(name) ? name : 'unknown'
}

/** A batch's input is an object with a field a call. */
export function envelopeFault(text: string | undefined): ApiError | undefined {
  if (!text) return undefined
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
  } catch (error) {
    return toApiError(error)
  }
  return validationFailed([{ path: '', message: 'must be an object with a field a call' }])
}
