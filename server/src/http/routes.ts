import type { AppRouter, OperationMeta } from '@secure-messenger/api'
import type { AnyProcedure } from '@trpc/server'
import { z } from 'zod'
import { chainOf, type Chain } from './chain.js'

/** An operation as the doors see it, from the router's own record. */
export interface Operation {
  /** tRPC's path, `messages.send`. */
  readonly name: string
  readonly kind: 'query' | 'mutation' | 'subscription'
  readonly meta: OperationMeta
  readonly procedure: AnyProcedure
  readonly chain: Chain
  /** The fields that a query string may bring; with any, an unknown parameter is refused. */
  readonly queryFields: ReadonlySet<string>
  /** Those of them that are numbers. */
  readonly numberFields: ReadonlySet<string>
  /** Over REST its fields come in a body. */
  readonly takesBody: boolean
}

/** A path that operations are at, one a method. */
export interface Resource {
  readonly template: string
  readonly segments: readonly Segment[]
  readonly methods: Map<string, Operation>
}

/** A part of a template: text that is compared as sent, or a parameter. */
type Segment = { readonly text: string } | { readonly parameter: string }

export interface Match {
  readonly resource: Resource
  readonly params: Record<string, string>
}

function isOperationMeta(meta: unknown): meta is OperationMeta {
  return typeof meta === 'object' && meta !== null && 'openapi' in meta && 'limit' in meta
}

function isProcedure(value: unknown): value is AnyProcedure {
  return typeof value === 'function' && '_def' in value
}

function parameterOf(segment: string): string | undefined {
  return /^\{(\w+)\}$/.exec(segment)?.[1]
}

const fieldTypes = z.object({ properties: z.record(z.string(), z.object({ type: z.string().optional() })) })

function inputFields(procedure: AnyProcedure): Map<string, string | undefined> {
  const [input] = procedure._def.inputs
  if (!(input instanceof z.ZodType)) return new Map()
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  return new Map(Object.entries(fieldTypes.parse(schema).properties).map(([name, { type }]) => [name, type]))
}

function toOperation(name: string, procedure: AnyProcedure): Operation | undefined {
  const { meta, type } = procedure._def
  if (!isOperationMeta(meta)) return undefined
  const inPath = new Set(meta.openapi.path.split('/').map(parameterOf))
  const fields = meta.openapi.method === 'GET' ? [...inputFields(procedure)] : []
  const inQuery = fields.filter(([field]) => !inPath.has(field))
  return {
    name,
    kind: type,
    meta,
    procedure,
    chain: chainOf(procedure),
    queryFields: new Set(inQuery.map(([field]) => field)),
    takesBody: meta.openapi.method !== 'GET' && !meta.ignoresBody,
    numberFields: new Set(inQuery.filter(([, fieldType]) => fieldType === 'integer').map(([field]) => field)),
  }
}

/** Every operation of the router, by tRPC's path. */
export function readOperations(router: AppRouter): Map<string, Operation> {
  // Flat at run time, whatever its type says of nesting.
  const operations = Object.entries<unknown>(router._def.procedures).flatMap(([name, procedure]) =>
    isProcedure(procedure) ? (toOperation(name, procedure) ?? []) : [],
  )
  return new Map(operations.map((operation) => [operation.name, operation]))
}

function segmentsOf(template: string): Segment[] {
  const parts = template.split('/').slice(1)
  return parts.map((part) => {
    const parameter = parameterOf(part)
    return parameter === undefined ? { text: part } : { parameter }
  })
}

/** The REST paths: exact, their fixed parts compared as sent. */
export class RestRoutes {
  private readonly resources = new Map<string, Resource>()

  constructor(operations: Iterable<Operation>) {
    for (const operation of operations) {
      const { path: template, method } = operation.meta.openapi
      const known = this.resources.get(template)
      const resource = known ?? { template, segments: segmentsOf(template), methods: new Map() }
      resource.methods.set(method, operation)
      this.resources.set(template, resource)
    }
  }

  find(path: string): Match | undefined {
    const fixed = this.resources.get(path)
    // A template's own text is no path: "{id}" is a malformed id there, which the loop below finds.
    if (fixed && !path.includes('{')) return { resource: fixed, params: {} }
    const parts = path.split('/').slice(1)
    for (const resource of this.resources.values()) {
      const params = matchSegments(resource.segments, parts)
      if (params) return { resource, params }
    }
    return undefined
  }
}

function matchSegments(
  segments: readonly Segment[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (segments.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? ''
    if ('text' in segment) {
      if (part !== segment.text) return undefined
      continue
    }
    const value = decodeSegment(part)
    if (!value) return undefined
    params[segment.parameter] = value
  }
  return params
}

function decodeSegment(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
