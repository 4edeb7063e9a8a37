import http from 'node:http'
import https from 'node:https'
import { z } from 'zod'

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  /** The body as JSON, undefined where it is none. */
  readonly json: unknown
}

export interface RequestOptions {
  readonly token?: string | undefined
  /** Sent as it is. */
  readonly body?: string | Buffer | undefined
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Record<string, string> | string | undefined
  readonly headers?: Record<string, string | string[]>
  readonly localAddress?: string
  /** Without one, each request has a connection of its own. */
  readonly agent?: http.Agent
}

function payloadOf({ body, json, form }: RequestOptions): { type?: string; bytes?: Buffer } {
  if (json !== undefined) return { type: 'application/json', bytes: Buffer.from(JSON.stringify(json)) }
  if (form !== undefined) {
    const text = typeof form === 'string' ? form : new URLSearchParams(form).toString()
    return { type: 'application/x-www-form-urlencoded', bytes: Buffer.from(text) }
  }
  return body === undefined ? {} : { bytes: Buffer.from(body) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One request, its path sent verbatim. */
export function request(
  base: string,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const { type, bytes } = payloadOf(options)
  const url = new URL(base)
  const headers: http.OutgoingHttpHeaders = {
    ...(type && { 'content-type': type }),
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...(bytes && { 'content-length': bytes.length }),
    ...options.headers,
  }
  const { localAddress, agent = false } = options
  return new Promise((resolve, reject) => {
    const transport = url.protocol === 'https:' ? https : http
    const req = transport.request(
      {
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers,
        rejectUnauthorized: false,
        agent,
        ...(localAddress && { localAddress }),
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parse(text) })
        })
      },
    )
    req.setTimeout(40_000, () => req.destroy(new Error(`no answer to ${method} ${path.slice(0, 80)}`)))
    req.on('error', reject)
    req.end(bytes)
  })
}

const problem = z.strictObject({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  code: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  retry_after: z.int().optional(),
  request_id: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
})
export type ProblemBody = z.infer<typeof problem>

const rpcError = z.object({
  error: z.strictObject({
    message: z.string().min(1),
    code: z.int(),
    data: z.strictObject({
      code: z.string(),
      httpStatus: z.int(),
      detail: z.string().min(1),
      path: z.string().optional(),
      errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
      retry_after: z.int().optional(),
      request_id: z.string().optional(),
    }),
  }),
})

/** The problem that an answer must be, whole: type, status and body agree. */
export function problemOf(answer: Answer): ProblemBody {
  if (answer.headers['content-type'] !== 'application/problem+json')
    throw new Error(`no problem: ${answer.status} ${answer.text.slice(0, 300)}`)
  const body = problem.parse(answer.json)
  if (body.status !== answer.status)
    throw new Error(`the problem says ${body.status}, the answer ${answer.status}`)
  return body
}

/** `status code`, in one word for tables of expectations, from either door's error or success. */
export function outcomeOf(answer: Answer): string {
  if (answer.status < 400) return String(answer.status)
  const rpc = rpcError.safeParse(answer.json)
  if (rpc.success) return `${answer.status} ${rpc.data.error.data.code}`
  return `${answer.status} ${problemOf(answer).code}`
}

/** The fields that a 422 names, from either door. */
export function namedFields(answer: Answer): string[] {
  const rpc = rpcError.safeParse(answer.json)
  const errors = rpc.success ? rpc.data.error.data.errors : problemOf(answer).errors
  return (errors ?? []).map(({ path }) => path)
}

const rpcResult = z.object({ result: z.object({ data: z.unknown() }) })

/** The data of a tRPC success. */
export function dataOf(answer: Answer): unknown {
  return rpcResult.parse(answer.json).result.data
}

/** The path of a tRPC query with its input. */
export function queryPath(name: string, input?: unknown): string {
  return `/trpc/${name}${input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`}`
}

/** The path of a batch of tRPC queries, with the inputs of those that have one, by their place. */
export function batchPath(names: readonly string[], inputs: Readonly<Record<number, unknown>>): string {
  return `/trpc/${names.join(',')}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`
}
