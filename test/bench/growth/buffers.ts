import os from 'node:os'
import type { Cluster } from '../cluster.js'

/** Of the machine's memory. More seldom helps, says PostgreSQL's manual of `shared_buffers`. */
const SHARE = 0.4

/**
 * Enough for ten million messages on 24 GiB. With the 128 MB that PostgreSQL is packaged with they lie in the kernel's
 * cache, which may give up what nobody read for a minute: the disk is measured then, and not the table.
 */
export function chooseBuffersMb(): number {
  return Math.floor((os.totalmem() * SHARE) / 2 ** 20)
}

/** Reads the tables of a database and their indexes into PostgreSQL's buffers. */
export async function fillBuffers(cluster: Cluster, database: string): Promise<void> {
  await cluster.runText(
    database,
    `create extension if not exists pg_prewarm;
      select sum(pg_prewarm(oid::regclass)) from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')`,
  )
}
