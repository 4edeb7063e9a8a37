import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import type { Cluster } from '../cluster.js'
import type { Cleanup } from '../processes.js'

/** Of the machine's memory. More seldom helps, says PostgreSQL's manual of `shared_buffers`. */
const SHARE = 0.4
/** What PostgreSQL shares beyond its buffers was 2.5 % of 9,642 MB. */
const BESIDE_BUFFERS = 1.05
const HUGE_PAGES = '/proc/sys/vm/nr_hugepages'

/** Asks the kernel for pages until the run ends. @returns whether it has them all */
function reserveHugePages(cleanup: Cleanup, mb: number): boolean {
  const [, pageKb] = /^Hugepagesize: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
  if (!pageKb) return false
  const before = Number(readFileSync(HUGE_PAGES, 'utf8'))
  const wanted = before + Math.ceil((mb * 1024) / Number(pageKb))
  try {
    writeFileSync(HUGE_PAGES, String(wanted))
  } catch {
    // Root's to do. The page says that the run had none.
    return false
  }
  const giveBack = cleanup.add(async () => writeFileSync(HUGE_PAGES, String(before)))
  const reserved = Number(readFileSync(HUGE_PAGES, 'utf8')) >= wanted
  if (!reserved) void giveBack()
  return reserved
}

/**
 * PostgreSQL's settings as docs/scaling.md advises for tables of many gigabytes: buffers for ten million messages on
 * 24 GiB. With the 128 MB that PostgreSQL is packaged with they lie in the kernel's cache, which may give up what nobody
 * read for a minute: the disk is measured then, and not the table.
 */
export function tune(cleanup: Cleanup): Record<string, string> {
  const buffersMb = Math.floor((os.totalmem() * SHARE) / 2 ** 20)
  const hugePages = reserveHugePages(cleanup, buffersMb * BESIDE_BUFFERS)
  return {
    shared_buffers: `${buffersMb}MB`,
    huge_pages: hugePages ? 'on' : 'off',
    max_wal_size: '8GB',
    autovacuum_naptime: '10s',
  }
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
