import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { outcomeOf, request } from '../harness/http.js'
import { makeScratch, spawnServer, type ServerProcess } from '../harness/process.js'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const cleanups: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

function scratchFolder(): string {
  const { folder, remove } = makeScratch()
  cleanups.push(remove)
  return folder
}

function serve(
  settings: Record<string, string>,
  options: Parameters<typeof spawnServer>[1] = {},
): ServerProcess {
  const server = spawnServer({ LIMITS: 'off', ...settings }, options)
  cleanups.push(async () => {
    if (server.child.exitCode === null && server.child.signalCode === null) server.child.kill('SIGTERM')
    await server.ended
  })
  return server
}

async function stop(server: ServerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  server.child.kill(signal)
  return server.ended
}

const person = { username: 'stays.here', password: 'a good password', public_key: 'k' }

async function logsIn(base: string): Promise<string> {
  return outcomeOf(
    await request(base, 'POST', '/login', { json: { username: person.username, password: person.password } }),
  )
}

function homeOf(folder: string): string {
  return readFileSync(path.join(folder, 'postgresql.location'), 'utf8').trim()
}

/** The postmaster of a data folder, as its own file names it. */
function postmasterOf(folder: string): number {
  return Number(readFileSync(path.join(homeOf(folder), 'cluster/postmaster.pid'), 'utf8').split('\n')[0])
}

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('a start without DATABASE_URL', () => {
  test('makes a database in DATA_DIR, says so, keeps it over a restart, and stops it last', async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    const base = await first.listening
    expect(first.output()).toMatch(/its own PostgreSQL 18\.\d/)
    expect(first.output()).toContain(`${base}/docs`)
    expect(first.output()).toContain('secret-key')
    expect((await request(base, 'GET', '/ready')).status).toBe(200)
    expect(outcomeOf(await request(base, 'POST', '/register', { json: person }))).toBe('201')
    const postmaster = postmasterOf(folder)
    expect(isRunning(postmaster)).toBe(true)
    expect(await stop(first, 'SIGINT')).toBe(0)
    expect(isRunning(postmaster)).toBe(false)
    expect(existsSync(path.join(folder, 'server.lock'))).toBe(false)
    const second = serve({ DATA_DIR: folder })
    expect(await logsIn(await second.listening)).toBe('200')
  })

  test('keeps its secrets in files that only their owner reads, and no port open for the database', async () => {
    const folder = scratchFolder()
    const server = serve({ DATA_DIR: folder })
    await server.listening
    for (const name of ['secret-key', 'database-password']) {
      expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600)
    }
    expect(readFileSync(path.join(folder, 'secret-key'), 'utf8').trim().length).toBeGreaterThanOrEqual(32)
    const home = readFileSync(path.join(folder, 'postgresql.location'), 'utf8').trim()
    for (const name of ['cluster', 'run']) expect(statSync(path.join(home, name)).mode & 0o777).toBe(0o700)
    const listening = readFileSync(path.join(home, 'cluster/postmaster.pid'), 'utf8').split('\n')[5]
    expect(listening).toBe('')
  })

  test('just works after kill -9, with the orphaned database replaced and nothing lost', async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    const base = await first.listening
    expect(outcomeOf(await request(base, 'POST', '/register', { json: person }))).toBe('201')
    const orphan = postmasterOf(folder)
    await stop(first, 'SIGKILL')
    expect(isRunning(orphan)).toBe(true)
    const second = serve({ DATA_DIR: folder })
    expect(await logsIn(await second.listening)).toBe('200')
    expect(second.output()).toContain('a killed server had left it running')
    expect(isRunning(orphan)).toBe(false)
    // And after kill -9 of both.
    process.kill(postmasterOf(folder), 'SIGKILL')
    await stop(second, 'SIGKILL')
    const third = serve({ DATA_DIR: folder })
    expect(await logsIn(await third.listening)).toBe('200')
  })

  test('just works after kill -9 in the middle of the first start', async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    await new Promise((resolve) => setTimeout(resolve, 700))
    await stop(first, 'SIGKILL')
    const second = serve({ DATA_DIR: folder })
    expect((await request(await second.listening, 'GET', '/ready')).status).toBe(200)
  })

  test("puts the database's log aside once it has grown, and begins another", async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    await first.listening
    await stop(first)
    const log = path.join(homeOf(folder), 'postgresql.log')
    truncateSync(log, 11 * 1_048_576)
    const second = serve({ DATA_DIR: folder })
    await second.listening
    await stop(second)
    expect(statSync(`${log}.1`).size).toBe(11 * 1_048_576)
    expect(statSync(log).size).toBeLessThan(100_000)
  })

  test('starts the database again when it is killed under the server', async () => {
    const folder = scratchFolder()
    const server = serve({ DATA_DIR: folder })
    const base = await server.listening
    process.kill(postmasterOf(folder), 'SIGKILL')
    await expect
      .poll(async () => (await request(base, 'GET', '/ready')).status, { timeout: 30_000 })
      .toBe(200)
    expect(outcomeOf(await request(base, 'POST', '/register', { json: person }))).toBe('201')
  })

  test('is refused in words on a folder that another server runs on, which goes on', async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    const base = await first.listening
    const second = serve({ DATA_DIR: folder })
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain(`Another server is running on ${folder}.`)
    expect((await request(base, 'GET', '/ready')).status).toBe(200)
  })

  test('is refused also where the folder is reached by another path', async () => {
    const folder = scratchFolder()
    const data = path.join(folder, 'data')
    const link = path.join(folder, 'link')
    symlinkSync(data, link)
    const first = serve({ DATA_DIR: data })
    const base = await first.listening
    const second = serve({ DATA_DIR: link })
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain('Another server is running on')
    expect((await request(base, 'GET', '/ready')).status).toBe(200)
  })

  test('takes a lock of another container for stale only when nobody touches it', async () => {
    const folder = scratchFolder()
    const lock = path.join(folder, 'server.lock')
    writeFileSync(lock, JSON.stringify({ pid: 1, startedAt: '1', namespace: 'elsewhere' }))
    const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), 500)
    cleanups.push(() => clearInterval(beat))
    const refused = serve({ DATA_DIR: folder })
    expect(await refused.ended).toBe(1)
    clearInterval(beat)
    expect(refused.output()).toContain('Another server is running on')
    const taken = serve({ DATA_DIR: folder })
    expect((await request(await taken.listening, 'GET', '/ready')).status).toBe(200)
  })

  test('takes no notice of a lock that a crash left empty', async () => {
    const folder = scratchFolder()
    writeFileSync(path.join(folder, 'server.lock'), '')
    const server = serve({ DATA_DIR: folder })
    expect((await request(await server.listening, 'GET', '/ready')).status).toBe(200)
  })

  test('of five at once on a stale lock lets one start', async () => {
    const folder = scratchFolder()
    writeFileSync(
      path.join(folder, 'server.lock'),
      JSON.stringify({ pid: 999_999, startedAt: '1', namespace: 'x' }),
    )
    const servers = Array.from({ length: 5 }, () => serve({ DATA_DIR: folder }))
    const outcomes = await Promise.all(
      servers.map((server) =>
        server.listening.then(
          () => 'listens',
          () => 'refused',
        ),
      ),
    )
    expect(outcomes.toSorted()).toEqual(['listens', ...Array<string>(4).fill('refused')])
  })

  test('works where the path is longer than a socket may have', async () => {
    const folder = path.join(scratchFolder(), 'x'.repeat(60), 'y'.repeat(60))
    const server = serve({ DATA_DIR: folder })
    expect((await request(await server.listening, 'GET', '/ready')).status).toBe(200)
  })

  test('refuses a database of another major version', async () => {
    const folder = scratchFolder()
    const first = serve({ DATA_DIR: folder })
    await first.listening
    await stop(first)
    const home = readFileSync(path.join(folder, 'postgresql.location'), 'utf8').trim()
    writeFileSync(path.join(home, 'cluster/PG_VERSION'), '17\n')
    const second = serve({ DATA_DIR: folder })
    expect(await second.ended).toBe(1)
    expect(second.output()).toMatch(/was made by PostgreSQL 17, and this server brings 18/)
  })
})

describe.runIf(isRoot)('as root', () => {
  test('runs the database as an account of its own, also from a folder that only root may enter', async () => {
    const closed = mkdtempSync('/root/relay-test-')
    cleanups.push(() => rmSync(closed, { recursive: true, force: true }))
    chmodSync(closed, 0o700)
    const folder = path.join(closed, 'data')
    const server = serve({ DATA_DIR: folder })
    const base = await server.listening
    const home = readFileSync(path.join(folder, 'postgresql.location'), 'utf8').trim()
    cleanups.unshift(() => rmSync(home, { recursive: true, force: true }))
    expect(home).toMatch(/^\/var\/lib\/secure-messenger-/)
    expect(server.output()).toContain(`${home}/cluster`)
    expect(server.output()).toMatch(/run as (postgres|nobody)/)
    expect(statSync(path.join(home, 'cluster')).uid).not.toBe(0)
    expect(outcomeOf(await request(base, 'POST', '/register', { json: person }))).toBe('201')
    await stop(server)
    // A later change of the folder's permissions does not make it start on an empty database.
    chmodSync(closed, 0o755)
    const again = serve({ DATA_DIR: folder })
    expect(await logsIn(await again.listening)).toBe('200')
    await stop(again)
  })

  test('an ordinary user starts it as himself', async () => {
    const folder = scratchFolder()
    chmodSync(folder, 0o777)
    const server = serve({ DATA_DIR: path.join(folder, 'data') }, { uid: NOBODY, gid: NOBODY })
    expect((await request(await server.listening, 'GET', '/ready')).status).toBe(200)
    expect(server.output()).not.toContain('run as')
    expect(statSync(path.join(folder, 'data/postgresql/cluster')).uid).toBe(NOBODY)
  })

  test("another user's database is refused in words", async () => {
    const folder = scratchFolder()
    chmodSync(folder, 0o777)
    const data = path.join(folder, 'data')
    mkdirSync(data)
    chmodSync(data, 0o777)
    const first = serve({ DATA_DIR: data })
    await first.listening
    await stop(first)
    for (const name of ['postgresql.location', 'secret-key', 'database-password'])
      chmodSync(path.join(data, name), 0o644)
    const other = serve({ DATA_DIR: data }, { uid: 12_345, gid: 12_345 })
    expect(await other.ended).toBe(1)
    expect(other.output()).toMatch(/belongs to another user \(id \d+\)/)
  })
})
