import type { IncomingMessage } from 'node:http'
import { ApiError, MAX_BODY_BYTES, notJson } from '@secure-messenger/api'

export type BodyType = 'application/json' | 'application/x-www-form-urlencoded'

/** A body that arrived whole, or why it is not taken. */
export interface Body {
  readonly type: BodyType | undefined
  readonly bytes: Buffer
}

/** What is sent beyond the limit is read up to here and dropped, so that the client gets to read its 413. */
const MAX_DISCARDED_BYTES = 16 * MAX_BODY_BYTES

function unsupported(): ApiError {
  return new ApiError('unsupported_media_type')
}

function declaredType(req: IncomingMessage, accepted: readonly BodyType[]): BodyType | undefined {
  const header = req.headers['content-type']
  if (header === undefined || header.trim() === '') return undefined
  // As nearly all clients say it: taking it apart was 1 % of a send.
  const exact = accepted.find((candidate) => candidate === header)
  if (exact) return exact
  const [type, ...parameters] = header.split(';').map((part) => part.trim().toLowerCase())
  const found = accepted.find((candidate) => candidate === type)
  if (!found || !parameters.every(isUtf8OrOther)) throw unsupported()
  return found
}

function isUtf8OrOther(parameter: string): boolean {
  const [name, value = ''] = parameter.split('=')
  return name?.trim() !== 'charset' || /^"?utf-?8"?$/.test(value.trim())
}

function declaredLength(req: IncomingMessage): number | undefined {
  const header = req.headers['content-length']
  return header === undefined ? undefined : Number(header)
}

function isChunked(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined
}

/** Reads to the end, keeps at most the limit. @returns undefined where there was more */
function readWithin(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const finish = (): void => {
      const [only] = chunks
      if (bytes > maxBytes) resolve(undefined)
      else resolve(chunks.length === 1 ? only : Buffer.concat(chunks, bytes))
    }
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else chunks.length = 0
      if (bytes <= MAX_DISCARDED_BYTES) return
      req.destroy()
      finish()
    })
    req.on('end', finish)
    req.on('error', reject)
    req.on('close', () => {
      // A client that goes away closes the request before its end.
      if (!req.readableEnded) reject(new Error('the client went away'))
    })
  })
}

/**
 * Reads a body under the rules of its operation.
 *
 * @param accepted - the media types that the operation takes
 * @throws ApiError unsupported_media_type or too_large; other errors mean that the client went away
 */
export async function readBody(req: IncomingMessage, accepted: readonly BodyType[]): Promise<Body> {
  if (req.headers['content-encoding'] !== undefined) throw unsupported()
  const type = declaredType(req, accepted)
  const length = declaredLength(req)
  if (type === undefined && (length ?? 0) > 0) throw unsupported()
  if (length === undefined && !isChunked(req)) return { type, bytes: Buffer.alloc(0) }
  const bytes = await readWithin(req, MAX_BODY_BYTES)
  if (type === undefined && bytes?.length !== 0) throw unsupported()
  if (!bytes) throw new ApiError('too_large')
  return { type, bytes }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A body as text; what is not UTF-8 is refused where `toString` would replace it.
 *
 * @throws ApiError malformed_request
 */
export function decodeBody(bytes: Buffer): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new ApiError('malformed_request', { detail: 'The body is not UTF-8.', cause })
  }
  if (text.startsWith('\ufeff'))
    throw new ApiError('malformed_request', { detail: 'The body begins with a byte order mark.' })
  return text
}

/** @throws ApiError malformed_request */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notJson()
  }
}
