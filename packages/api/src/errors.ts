import type { TRPC_ERROR_CODE_KEY } from '@trpc/server/rpc'

interface ErrorRow {
  readonly status: number
  readonly title: string
  /** The sentence that clients show when the thrower gives none of its own. */
  readonly detail: string
  /** The nearest of tRPC's own names, for its numeric JSON-RPC code. */
  readonly trpc: TRPC_ERROR_CODE_KEY
}

/** Every error of the API, once: both doors take status, title and sentence from here. */
export const ERRORS = {
  malformed_request: {
    status: 400,
    title: 'Bad Request',
    detail: 'The request could not be read.',
    trpc: 'BAD_REQUEST',
  },
  invalid_credentials: {
    status: 401,
    title: 'Unauthorized',
    detail: 'Wrong username or password.',
    trpc: 'UNAUTHORIZED',
  },
  not_authenticated: {
    status: 401,
    title: 'Unauthorized',
    detail: 'A valid access token is needed.',
    trpc: 'UNAUTHORIZED',
  },
  token_expired: {
    status: 401,
    title: 'Unauthorized',
    detail: 'The access token has expired. Log in again.',
    trpc: 'UNAUTHORIZED',
  },
  https_required: {
    status: 403,
    title: 'Forbidden',
    detail: 'This server answers over HTTPS only.',
    trpc: 'FORBIDDEN',
  },
  not_found: { status: 404, title: 'Not Found', detail: 'Not found.', trpc: 'NOT_FOUND' },
  method_not_allowed: {
    status: 405,
    title: 'Method Not Allowed',
    detail: 'This path does not take that method.',
    trpc: 'METHOD_NOT_SUPPORTED',
  },
  username_taken: { status: 409, title: 'Conflict', detail: 'That username is taken.', trpc: 'CONFLICT' },
  message_id_reused: {
    status: 409,
    title: 'Conflict',
    detail: 'That client_message_id was used for another message to this recipient.',
    trpc: 'CONFLICT',
  },
  too_large: {
    status: 413,
    title: 'Content Too Large',
    detail: 'The body is larger than 1 MiB.',
    trpc: 'PAYLOAD_TOO_LARGE',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported Media Type',
    detail: 'Send the body as application/json in UTF-8, without a content encoding.',
    trpc: 'UNSUPPORTED_MEDIA_TYPE',
  },
  validation_failed: {
    status: 422,
    title: 'Unprocessable Content',
    detail: 'Some values break a rule; errors names them.',
    trpc: 'UNPROCESSABLE_CONTENT',
  },
  rate_limited: {
    status: 429,
    title: 'Too Many Requests',
    detail: 'Too many requests. Try again later.',
    trpc: 'TOO_MANY_REQUESTS',
  },
  mailbox_full: {
    status: 429,
    title: 'Too Many Requests',
    detail: "The recipient's mailbox takes no more messages from you for now.",
    trpc: 'TOO_MANY_REQUESTS',
  },
  internal_error: {
    status: 500,
    title: 'Internal Server Error',
    detail: 'Something went wrong on the server. The request id helps its operator to find out what.',
    trpc: 'INTERNAL_SERVER_ERROR',
  },
  unavailable: {
    status: 503,
    title: 'Service Unavailable',
    detail: 'The server cannot do this right now. Try again shortly.',
    trpc: 'SERVICE_UNAVAILABLE',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** One broken rule: `path` is dotted (`ids.3`), and empty where the whole input is meant. */
export interface FieldError {
  readonly path: string
  readonly message: string
}

/** The spent budget behind a `rate_limited`, for the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-08). */
export interface SpentLimit {
  readonly name: string
  readonly count: number
  readonly windowSeconds: number
}

interface ErrorExtras {
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  readonly retryAfterSeconds?: number
  readonly limit?: SpentLimit
  readonly cause?: unknown
}

/**
 * What the domains and the doors throw: a code of the table above, and what belongs to that code.
 * Its `cause` is for the log alone and never reaches a client.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly errors: readonly FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly limit: SpentLimit | undefined

  constructor(code: ErrorCode, extras: ErrorExtras = {}) {
    super(extras.detail ?? ERRORS[code].detail, { cause: extras.cause })
    this.code = code
    this.errors = extras.errors
    this.retryAfterSeconds = extras.retryAfterSeconds
    this.limit = extras.limit
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}
