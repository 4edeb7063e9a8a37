import { ERRORS, type AppRouter, type ErrorCode } from '@secure-messenger/api'
import { generateOpenApiDocument } from 'trpc-to-openapi'
import { z } from 'zod'
import { readOperations, type Operation } from './routes.js'

/** Parts of a document as the adapter makes it, as far as they are put right here. */
const mediaType = z.looseObject({ schema: z.unknown(), example: z.unknown().optional() })
const response = z.looseObject({
  description: z.string(),
  content: z.record(z.string(), mediaType).optional(),
})
const operationObject = z.looseObject({
  requestBody: z.looseObject({ content: z.record(z.string(), mediaType) }).optional(),
  responses: z.record(z.string(), response),
})
const documentObject = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operationObject)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()).optional() }),
})
export type OpenApiDocument = z.infer<typeof documentObject>
type OperationObject = z.infer<typeof operationObject>

const DESCRIPTION = `Accounts, public keys, and ciphertext kept for at most seven days, of which this server can read nothing.

Every operation is also a tRPC procedure under \`/trpc\`, with the same rules, limits and errors.
Errors are problems (RFC 9457) with a stable \`code\`. \`429\` and \`503\` say in \`Retry-After\` when to come back.`

const FIELD_ERROR = {
  type: 'object',
  required: ['path', 'message'],
  properties: {
    path: { type: 'string', description: 'Dotted, such as ids.3; empty for the whole input.' },
    message: { type: 'string' },
  },
} as const

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', example: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'A plain sentence.' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    errors: {
      type: 'array',
      description: 'With validation_failed: each broken rule.',
      items: { $ref: '#/components/schemas/FieldError' },
    },
    retry_after: { type: 'integer', description: 'Seconds, as in Retry-After.' },
    request_id: { type: 'string', description: 'With internal_error: what the operator finds the fault by.' },
    error: { type: 'string', description: 'On a 401 of /login (RFC 6749, 5.2).' },
    error_description: { type: 'string', description: 'On a 401 of /login (RFC 6749, 5.2).' },
  },
} as const

/** What every operation may answer. */
function commonErrors({ meta, queryFields, takesBody: hasBody }: Operation): ErrorCode[] {
  const hasFields = hasBody || queryFields.size > 0
  return [
    ...(hasFields ? (['malformed_request', 'validation_failed'] as const) : []),
    ...(meta.openapi.path.includes('{') ? (['malformed_request', 'validation_failed'] as const) : []),
    ...(hasBody ? (['too_large', 'unsupported_media_type'] as const) : []),
    ...(meta.openapi.protect ? (['not_authenticated', 'token_expired'] as const) : []),
    'https_required',
    'rate_limited',
    'internal_error',
    'unavailable',
  ]
}

const HEADERS = {
  'X-Request-Id': {
    description: 'What the operator finds this answer by.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  },
  'Relay-Epoch': {
    description: 'The epoch of the database; another one says that a backup was restored.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
    example: '6f1c2f0e-8d1b-4c56-9f0a-3f4f1f0c9d2e',
  },
  'WWW-Authenticate': { required: true, schema: { type: 'string', const: 'Bearer' } },
  'Retry-After': { description: 'Whole seconds.', required: true, schema: { type: 'integer', minimum: 0 } },
} as const

/** The headers that an answer of this status never lacks. */
function headersOf(status: number, tellsEpoch = false): Record<string, object> {
  const names: (keyof typeof HEADERS)[] = ['X-Request-Id']
  if (tellsEpoch) names.push('Relay-Epoch')
  if (status === 401) names.push('WWW-Authenticate')
  if (status === 429 || status === 503) names.push('Retry-After')
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function errorResponses(operation: Operation): Record<string, z.infer<typeof response>> {
  const codes = [...new Set([...operation.meta.errors, ...commonErrors(operation)])]
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))]
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: codes
          .filter((code) => ERRORS[code].status === status)
          .map((code) => `\`${code}\`: ${ERRORS[code].detail}`)
          .join(' '),
        headers: headersOf(status),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

/** What the adapter would say of a stream. */
function describeStream({ meta }: Operation): OperationObject {
  const { tags, summary, description, successDescription } = meta.openapi
  const content = { 'text/event-stream': { schema: { type: 'string' } } }
  return { tags, summary, description, responses: { '200': { description: successDescription, content } } }
}

/** The adapter says 200 for every success, and JSON errors of its own: here stands what is answered. */
function complete(operation: Operation, made: OperationObject): OperationObject {
  const { meta } = operation
  const success = made.responses['200']
  const type = meta.streams ? 'text/event-stream' : 'application/json'
  const content = success?.content?.[type]
  if (!success || !content) throw new Error(`the document says nothing of the success of ${operation.name}`)
  return {
    ...made,
    // An identifier in every language that a client may be generated in.
    operationId: operation.name.replaceAll('.', '_'),
    security: meta.openapi.protect ? [{ bearer: [] }, { password: [] }] : [],
    ...requestBody(made, meta),
    responses: {
      [meta.successStatus]: {
        ...success,
        headers: headersOf(meta.successStatus, meta.tellsEpoch),
        content: { [type]: { ...content, example: meta.example.response } },
      },
      ...errorResponses(operation),
    },
  }
}

/**
 * A body of two types is not called required, though it is: openapi-python-client (0.28 to 0.29, its issue 1451)
 * writes a module that cannot be imported where a required body has two.
 */
function requestBody(made: OperationObject, meta: Operation['meta']) {
  const body = made.requestBody?.content['application/json']
  return (
    body && { requestBody: { ...made.requestBody, required: !meta.form, content: bodyContent(meta, body) } }
  )
}

function bodyContent({ form, example }: Operation['meta'], body: z.infer<typeof mediaType>) {
  const withExample = { ...body, example: example.request }
  return {
    'application/json': withExample,
    ...(form && { 'application/x-www-form-urlencoded': withExample }),
  }
}

/** The adapter copies the schemas of requests, which loses their names; answers keep theirs. */
function nameRequest(
  { procedure }: Operation,
  made: OperationObject,
  requests: Record<string, unknown>,
): void {
  const [input] = procedure._def.inputs
  const name = input instanceof z.ZodType ? input.meta()?.id : undefined
  const body = made.requestBody?.content['application/json']
  if (!name || !body) return
  requests[name] = body.schema
  body.schema = { $ref: `#/components/schemas/${name}` }
}

/**
 * The OpenAPI 3.1 document, made from the router's own record.
 *
 * @param version - of the API
 */
export function createDocument(router: AppRouter, version: string): OpenApiDocument {
  const made = documentObject.parse(
    generateOpenApiDocument(router, {
      title: 'Secure Messenger relay',
      description: DESCRIPTION,
      version,
      openApiVersion: '3.1.0',
      baseUrl: '/',
      // It knows no streams: they are added below.
      filter: ({ metadata }) => !Reflect.has(metadata, 'streams'),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        password: { type: 'oauth2', flows: { password: { tokenUrl: '/login', scopes: {} } } },
      },
    }),
  )
  const requests: Record<string, unknown> = {}
  for (const operation of readOperations(router).values()) {
    const { path, method } = operation.meta.openapi
    const methods = (made.paths[path] ??= {})
    const found = operation.meta.streams ? describeStream(operation) : methods[method.toLowerCase()]
    if (!found) throw new Error(`the document lacks ${method} ${path}`)
    nameRequest(operation, found, requests)
    methods[method.toLowerCase()] = complete(operation, found)
  }
  const schemas = { ...made.components.schemas, ...requests, FieldError: FIELD_ERROR, Problem: PROBLEM }
  for (const name of Object.keys(schemas))
    if (name.startsWith('error.')) Reflect.deleteProperty(schemas, name)
  return { ...made, components: { ...made.components, schemas, headers: HEADERS } }
}
