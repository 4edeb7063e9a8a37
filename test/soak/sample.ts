import { request } from '../harness/http.js'
import type { World } from '../faults/world.js'

/** What is held at a moment: by the instance that is never killed, and by the database. */
export interface Sample {
  readonly seconds: number
  readonly heap_mib: number
  readonly resident_mib: number
  /** Timers, sockets and whatever else keeps the process's loop alive. */
  readonly handles: number
  readonly open_files: number
  /** Of both instances, to the database. */
  readonly connections: number
  readonly rows: number
  /** The table of messages with its TOAST. */
  readonly table_mib: number
  /** The files of its indexes, and in them the pages in use: the others are free, and taken again. */
  readonly indexes_mib: number
  readonly index_pages_mib: number
}

export const QUANTITIES = [
  'heap_mib',
  'resident_mib',
  'handles',
  'open_files',
  'connections',
  'rows',
  'table_mib',
  'indexes_mib',
  'index_pages_mib',
] as const satisfies (keyof Sample)[]
export type Quantity = (typeof QUANTITIES)[number]

const MIB = 2 ** 20
/** For `pgstatindex`, once in a database. */
export const LOOK_INTO_INDEXES = 'create extension pgstattuple'
const HELD = `
  select (select count(*) from messages) as rows, pg_table_size('messages') as table_bytes,
    pg_indexes_size('messages') as index_bytes,
    (select sum(leaf_pages + internal_pages) * current_setting('block_size')::int
      from pg_index, pgstatindex(indexrelid) where indrelid = 'messages'::regclass) as used_bytes,
    (select count(*) from pg_stat_activity where application_name like 'secure-messenger%') as connections`

/** @throws while the database or the instance is away */
export async function takeSample(world: World, base: string, startedAt: number): Promise<Sample> {
  const { text } = await request(base, 'GET', '/metrics')
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  const [held] =
    await world.sql<Record<'rows' | 'table_bytes' | 'index_bytes' | 'used_bytes' | 'connections', string>>(
      HELD,
    )
  return {
    seconds: Math.round((performance.now() - startedAt) / 1000),
    heap_mib: read('nodejs_heap_size_used_bytes') / MIB,
    resident_mib: read('process_resident_memory_bytes') / MIB,
    handles: read('nodejs_active_resources_total'),
    open_files: read('process_open_fds'),
    connections: Number(held?.connections),
    rows: Number(held?.rows),
    table_mib: Number(held?.table_bytes) / MIB,
    indexes_mib: Number(held?.index_bytes) / MIB,
    index_pages_mib: Number(held?.used_bytes) / MIB,
  }
}
