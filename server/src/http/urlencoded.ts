import { ApiError, validationFailed } from '@secure-messenger/api'

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new ApiError('malformed_request', { detail: 'The percent-encoding is broken.' })
  }
}

/**
 * The names and values of a query or form, decoded strictly: `URLSearchParams` would let broken encoding pass.
 *
 * @throws ApiError malformed_request
 */
export function parseUrlEncoded(text: string): [name: string, value: string][] {
  if (text === '') return []
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const mark = pair.indexOf('=')
      return mark < 0 ? [decode(pair), ''] : [decode(pair.slice(0, mark)), decode(pair.slice(mark + 1))]
    })
}

/**
 * The same as an object without a prototype.
 *
 * @throws ApiError validation_failed for a name given twice
 */
export function toFields(pairs: readonly [name: string, value: string][]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null)
  for (const [name, value] of pairs) {
    if (name in fields) throw validationFailed([{ path: name, message: 'is given twice' }])
    fields[name] = value
  }
  return fields
}
