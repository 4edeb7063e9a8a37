import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { DefaultErrorShape } from '@trpc/server/unstable-core-do-not-import'
import { z } from 'zod'
import { ApiError, ERRORS, type ErrorCode, type FieldError } from './errors.js'

const MAX_FIELD_ERRORS = 32
const MAX_PATH_CHARACTERS = 128

/** The body of an error over REST (RFC 9457). */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly errors?: readonly FieldError[] | undefined
  readonly retry_after?: number | undefined
  /** With `internal_error` only: what the operator's log is searched by. */
  readonly request_id?: string | undefined
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField([...issue.path, key]))
  return [{ path: issue.path.map(String).join('.'), message: issue.message }]
}

/** A field, or a parameter of a query, that the operation does not have. */
export function unknownField(path: readonly PropertyKey[]): FieldError {
  return { path: path.map(String).join('.'), message: 'is not a field of this operation' }
}

/** `validation_failed` for broken rules; of very many, or very long names, no more than helps is told. */
export function validationFailed(errors: readonly FieldError[]): ApiError {
  const told = errors.slice(0, MAX_FIELD_ERRORS)
  return new ApiError('validation_failed', {
    errors: told.map(({ path, message }) => ({ path: path.slice(0, MAX_PATH_CHARACTERS), message })),
  })
}

/** `malformed_request` for text that is no JSON. The parser's own message quotes the text, so it goes nowhere. */
export function notJson(): ApiError {
  return new ApiError('malformed_request', { detail: 'The input is not JSON.' })
}

// Methods, media types and sizes are the doors' to refuse, before tRPC sees a request.
const CODE_OF_TRPC: Partial<Record<TRPCError['code'], ErrorCode>> = {
  BAD_REQUEST: 'malformed_request',
  NOT_FOUND: 'not_found',
}

/**
 * The coded error that stands for anything thrown. What is neither coded, nor zod's, nor a fault that tRPC found
 * in the request, is `internal_error`, and keeps what was thrown as its cause for the log.
 */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  const error = getTRPCErrorFromUnknown(thrown)
  const { code, cause } = error
  if (cause instanceof ApiError) return cause
  if (code === 'BAD_REQUEST' && cause instanceof z.core.$ZodError)
    return validationFailed(cause.issues.flatMap(fieldErrors))
  return new ApiError(CODE_OF_TRPC[code] ?? 'internal_error', { cause: cause ?? error })
}

/**
 * The RFC 9457 body of an error; `requestId` is told with `internal_error` alone. What an error does not have is
 * undefined, and so left out of its JSON.
 */
export function toProblem(error: ApiError, requestId: string | undefined): Problem {
  const row = ERRORS[error.code]
  return {
    type: 'about:blank',
    title: row.title,
    status: row.status,
    detail: error.message,
    code: error.code,
    errors: error.errors,
    retry_after: error.retryAfterSeconds,
    request_id: error.code === 'internal_error' ? requestId : undefined,
  }
}

/** tRPC's shape of the same error: `error.data` says what the REST twin says. */
export function shapeError(
  shape: DefaultErrorShape,
  thrown: TRPCError,
  path: string | undefined,
  requestId: string | undefined,
) {
  const { code, detail, status, errors, retry_after, request_id } = toProblem(toApiError(thrown), requestId)
  return {
    message: detail,
    code: shape.code,
    data: { code, httpStatus: status, detail, path, errors, retry_after, request_id },
  }
}
