import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { outcomeOf, request } from '../harness/http.js'
import { spawnServer } from '../harness/process.js'
import { SECRET_KEY } from '../harness/relay.js'

const names: string[] = []
let admin: pg.Client

beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject('databaseUrl') })
  await admin.connect()
})

afterAll(async () => {
  for (const name of names) await admin.query(`drop database if exists ${name} with (force)`)
  await admin.end()
})

async function makeDatabase(options = "encoding 'UTF8'"): Promise<string> {
  const name = `relay_${randomBytes(6).toString('hex')}`
  names.push(name)
  await admin.query(`create database ${name} ${options} template template0`)
  return urlOf(name)
}

function urlOf(name: string): string {
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  return url.toString()
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<Row>(text)
  await client.end()
  return rows
}

describe('a start with DATABASE_URL', () => {
  test('applies the migrations once, however many start at once, and leaves the table that Prisma knows', async () => {
    const url = await makeDatabase()
    const servers = [1, 2, 3].map(() => spawnServer({ SECRET_KEY, DATABASE_URL: url }))
    for (const server of servers)
      expect((await request(await server.listening, 'GET', '/ready')).status).toBe(200)
    const rows = await query<{ migration_name: string; finished: boolean }>(
      url,
      'select migration_name, finished_at is not null as finished from _prisma_migrations',
    )
    expect(rows.every(({ finished }) => finished)).toBe(true)
    expect(new Set(rows.map(({ migration_name }) => migration_name)).size).toBe(rows.length)
    for (const server of servers) server.child.kill('SIGTERM')
    for (const server of servers) expect(await server.ended).toBe(0)
  })

  test('names the database without its password', async () => {
    const url = await makeDatabase()
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    await server.listening
    expect(server.output()).toMatch(/relay_[0-9a-f]+ on .*\(DATABASE_URL\)/)
    expect(server.output()).not.toContain(decodeURIComponent(new URL(url).password) || '(none)')
    server.child.kill('SIGTERM')
    await server.ended
  })

  test("keeps the session's settings where the URL brings options of its own", async () => {
    const url = new URL(await makeDatabase())
    url.searchParams.set('options', '-c work_mem=5MB')
    await admin.query(`alter database ${url.pathname.slice(1)} set timezone = 'Asia/Tokyo'`)
    const server = spawnServer({
      SECRET_KEY,
      DATABASE_URL: url.toString().replaceAll('+', '%20'),
      LIMITS: 'off',
    })
    const base = await server.listening
    const person = { username: 'someone', password: 'a good password', public_key: 'k' }
    const made = await request(base, 'POST', '/register', { json: person })
    expect(Math.abs(Date.parse(Object(made.json).created_at) - Date.now())).toBeLessThan(60_000)
    server.child.kill('SIGTERM')
    await server.ended
  })

  test('takes a "+" in a name or password for itself', async () => {
    const url = new URL(await makeDatabase())
    const name = url.pathname.slice(1)
    const role = `${name}+owner`
    await admin.query(`create role "${role}" login password 'pass+word'`)
    await admin.query(`alter database ${name} owner to "${role}"`)
    url.username = role
    url.password = 'pass+word'
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: url.toString() })
    expect((await request(await server.listening, 'GET', '/ready')).status).toBe(200)
    server.child.kill('SIGTERM')
    await server.ended
    await admin.query(`alter database ${name} owner to current_user`)
    await query(urlOf(name), `drop owned by "${role}"`)
    await admin.query(`drop role "${role}"`)
  })

  test('refuses a migration that was changed after it was applied', async () => {
    const url = await makeDatabase()
    const first = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    await first.listening
    first.child.kill('SIGTERM')
    await first.ended
    await query(url, `update _prisma_migrations set checksum = 'other'`)
    const second = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    expect(await second.ended).toBe(1)
    expect(second.output()).toMatch(/was changed after it was applied/)
  })

  test('refuses a database that holds something else, in the words of the engine that migrates', async () => {
    const url = await makeDatabase()
    await query(url, 'create table users (x int)')
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    expect(await server.ended).toBe(1)
    expect(server.output()).toMatch(/could not start: The database schema is not empty/)
  })

  test('refuses a database that cannot hold every text', async () => {
    const url = await makeDatabase(`encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`)
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    expect(await server.ended).toBe(1)
    expect(server.output()).toMatch(/stores text as LATIN1/)
  })

  test('refuses a database that may lose what it acknowledged, unless told otherwise', async () => {
    const url = await makeDatabase()
    await admin.query(`alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`)
    const refused = spawnServer({ SECRET_KEY, DATABASE_URL: url })
    expect(await refused.ended).toBe(1)
    expect(refused.output()).toMatch(/synchronous_commit = off/)
    const allowed = spawnServer({ SECRET_KEY, DATABASE_URL: url, ALLOW_UNSAFE_DATABASE: 'true' })
    await allowed.listening
    expect(allowed.output()).toMatch(/Warning: ALLOW_UNSAFE_DATABASE/)
    allowed.child.kill('SIGTERM')
    await allowed.ended
  })

  test('ends with a sentence when nothing answers there', async () => {
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: 'postgresql://u:secret-word@127.0.0.1:9/none' })
    expect(await server.ended).toBe(1)
    expect(server.output()).toMatch(/could not start/)
    expect(server.output()).not.toContain('secret-word')
  })
})

describe('a database that goes away', () => {
  test('makes 503 with Retry-After, and the server recovers by itself', async () => {
    const url = await makeDatabase()
    const name = new URL(url).pathname.slice(1)
    const server = spawnServer({ SECRET_KEY, DATABASE_URL: url, LIMITS: 'off' })
    const base = await server.listening
    const person = { username: 'someone', password: 'a good password', public_key: 'k' }
    expect(outcomeOf(await request(base, 'POST', '/register', { json: person }))).toBe('201')
    await admin.query(`alter database ${name} with allow_connections false`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
    const ready = await request(base, 'GET', '/ready')
    const login = await request(base, 'POST', '/login', { json: { username: 'someone', password: 'x' } })
    for (const answer of [ready, login]) {
      expect(outcomeOf(answer)).toBe('503 unavailable')
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    }
    expect((await request(base, 'GET', '/health')).status).toBe(200)
    await admin.query(`alter database ${name} with allow_connections true`)
    await expect
      .poll(async () => (await request(base, 'GET', '/ready')).status, { timeout: 15_000 })
      .toBe(200)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })
})
