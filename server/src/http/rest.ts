import { ApiError, toApiError, unknownField, validationFailed } from '@secure-messenger/api'
import { allowOf, refuseMethod, sendError, sendJson, sendOptions } from './answers.js'
import { decodeBody, parseJson, type Body, type BodyType } from './body.js'
import { callProcedure, receiveBody } from './calls.js'
import { contextOf, methodOf, type Exchange } from './exchange.js'
import { answerLive } from './live.js'
import { withPatience } from './patience.js'
import type { Match, Operation } from './routes.js'
import { parseUrlEncoded, toFields } from './urlencoded.js'

const JSON_ONLY: readonly BodyType[] = ['application/json']
const JSON_OR_FORM: readonly BodyType[] = ['application/json', 'application/x-www-form-urlencoded']

function acceptedBy({ meta }: Operation): readonly BodyType[] {
  return meta.form ? JSON_OR_FORM : JSON_ONLY
}

/** Decimal digits without a leading zero become a number; anything else stays text, which the schema refuses. */
function coerce(value: string, isNumber: boolean): string | number {
  return isNumber && /^(?:0|[1-9]\d*)$/.test(value) ? Number(value) : value
}

function readQuery({ queryFields, numberFields }: Operation, query: string): Record<string, string | number> {
  const pairs = parseUrlEncoded(query)
  // Unknown parameters are refused where there are known ones, and ignored elsewhere.
  if (queryFields.size === 0) return {}
  const unknown = pairs.filter(([name]) => !queryFields.has(name))
  if (unknown.length > 0) throw validationFailed(unknown.map(([name]) => unknownField([name])))
  const fields = Object.entries(toFields(pairs))
  return Object.fromEntries(fields.map(([name, value]) => [name, coerce(value, numberFields.has(name))]))
}

function readFields({ type, bytes }: Body): unknown {
  // Nothing is no object, which the schema tells.
  if (bytes.length === 0) return undefined
  const text = decodeBody(bytes)
  return type === 'application/x-www-form-urlencoded'
    ? { ...toFields(parseUrlEncoded(text)) }
    : parseJson(text)
}

/** The REST door: paths, forms and queries become the input of the same procedures that tRPC calls. */
export async function answerRest(exchange: Exchange, { resource, params }: Match): Promise<void> {
  const { req } = exchange
  exchange.route = resource.template
  const operation = resource.methods.get(methodOf(req))
  if (!operation) {
    const allow = allowOf([...resource.methods.keys()])
    return req.method === 'OPTIONS' ? sendOptions(exchange, allow) : refuseMethod(exchange, allow)
  }
  if (operation.kind === 'subscription') return answerLive(exchange, operation)
  const body = operation.takesBody ? await receiveBody(req, acceptedBy(operation)) : undefined
  if (body === 'gone') return
  const refused = body instanceof ApiError ? body : undefined
  try {
    const input = (): unknown => {
      const query = readQuery(operation, exchange.query)
      // Nobody waits for a head.
      if (req.method === 'HEAD') delete query['wait']
      return body && !(body instanceof ApiError) ? readFields(body) : { ...query, ...params }
    }
    const ctx = contextOf(exchange, { refused })
    const result = await withPatience(exchange, operation, () => callProcedure(operation, ctx, input))
    sendJson(exchange, operation.meta.successStatus, result)
  } catch (thrown) {
    // 415 and 413 come before 401 and 429; the call was counted all the same.
    const error = refused ?? toApiError(thrown)
    const members = operation.meta.form && error.status === 401 ? oauthError(error) : {}
    sendError(exchange, error, { members })
  }
}

/** RFC 6749, 5.2. */
function oauthError(error: ApiError): Record<string, string> {
  return { error: 'invalid_grant', error_description: error.message }
}
