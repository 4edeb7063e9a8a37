import pg from 'pg'
import { z } from 'zod'

/** A node of a plan as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) gives it; pages count the nodes below, too. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string | undefined
  readonly 'Index Name'?: string | undefined
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly PlanNode[] | undefined
}

/** What a statement did. */
export interface Plan {
  /** The statement's name, or its text. */
  readonly statement: string
  /** Pages of 8 KiB that it touched, those of foreign keys' checks and of the planner not among them. */
  readonly pages: number
  readonly milliseconds: number
  /** Node by node from the top, with the index or the table that each reads. */
  readonly nodes: readonly string[]
}

const planNode: z.ZodType<PlanNode> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Name': z.string().optional(),
    'Shared Hit Blocks': z.number(),
    'Shared Read Blocks': z.number(),
    Plans: z.array(planNode).optional(),
  }),
)
const explanation = z.object({
  'QUERY PLAN': z.tuple([z.object({ Plan: planNode, 'Execution Time': z.number() })]),
})
const queryConfig = z.object({
  name: z.string().optional(),
  text: z.string(),
  values: z.array(z.unknown()).optional(),
})

function literalOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.join(',')}}`)
  if (value instanceof Date) return `'${value.toISOString()}'`
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error('no literal is known for this')
  return pg.escapeLiteral(String(value))
}

function* nodesOf(node: PlanNode): Generator<string> {
  yield [node['Node Type'], node['Index Name'] ?? node['Relation Name']].filter(Boolean).join(' ')
  for (const child of node.Plans ?? []) yield* nodesOf(child)
}

// As it runs when it is prepared: EXPLAIN with parameters of its own would plan for these very values.
async function explain(client: pg.PoolClient, text: string, values: readonly unknown[]): Promise<unknown> {
  const list = values.length > 0 ? `(${values.map(literalOf).join(', ')})` : ''
  await client.query(`prepare explained as ${text}`)
  await client.query('begin')
  try {
    const { rows } = await client.query<Record<string, unknown>>(
      `explain (analyze, buffers, format json) execute explained${list}`,
    )
    return rows[0]
  } finally {
    await client.query('rollback')
    await client.query('deallocate explained')
  }
}

async function planOf(pool: pg.Pool, [query, given]: readonly unknown[]): Promise<Plan> {
  const config = queryConfig.parse(typeof query === 'string' ? { text: query } : query)
  const values = config.values ?? z.array(z.unknown()).default([]).parse(given)
  const client = await pool.connect()
  try {
    const [plan] = explanation.parse(await explain(client, config.text, values))['QUERY PLAN']
    return {
      statement: config.name ?? config.text.replace(/\s+/g, ' ').trim(),
      pages: plan.Plan['Shared Hit Blocks'] + plan.Plan['Shared Read Blocks'],
      milliseconds: plan['Execution Time'],
      nodes: [...nodesOf(plan.Plan)],
    }
  } finally {
    client.release()
  }
}

/** A pool that tells how each statement would be done, in a transaction that is rolled back, before it does it. */
export function explaining(pool: pg.Pool, tell: (plan: Plan) => void): pg.Pool {
  return new Proxy(pool, {
    get(target, property) {
      if (property === 'query')
        return async (...args: unknown[]): Promise<unknown> => {
          tell(await planOf(target, args))
          return Reflect.apply(target.query, target, args)
        }
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
