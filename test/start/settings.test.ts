import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { request } from '../harness/http.js'
import { makeScratch, spawnServer } from '../harness/process.js'

const SECRET_KEY = randomBytes(32).toString('hex')

async function refusal(settings: Record<string, string>): Promise<string[]> {
  const server = spawnServer(settings)
  expect(await server.ended).toBe(1)
  return server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('  - '))
    .map((line) => line.slice(4))
}

describe('a start is refused', () => {
  test('in production without SECRET_KEY, and for everything that is wrong at once', async () => {
    const lines = await refusal({
      NODE_ENV: 'production',
      PORT: '99999',
      CORS_ORIGINS: '*',
      TRUST_PROXY: 'true',
      FORCE_HTTPS: 'yes',
      LIMIT_SEND: '5',
      TLS_KEY_FILE: '/nowhere/key.pem',
    })
    for (const name of [
      'SECRET_KEY',
      'PORT',
      'CORS_ORIGINS',
      'TRUST_PROXY',
      'FORCE_HTTPS',
      'LIMIT_SEND',
      'TLS_KEY_FILE',
    ])
      expect(lines.filter((line) => line.startsWith(name)).length).toBe(1)
    expect(lines).toContain('TLS_CERT_FILE and TLS_KEY_FILE go together: set both or neither')
    expect(lines.length).toBe(8)
  })

  test.each([
    ['SECRET_KEY', 'x'.repeat(31)],
    ['SECRET_KEY', 'ä'.repeat(15)],
    ['SECRET_KEY_PREVIOUS', 'short'],
    ['DATABASE_URL', 'mysql://somewhere'],
    ['DATABASE_URL', 'postgresql://a,/c'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'https://chat.example/path'],
    ['CORS_ORIGINS', 'talk.example'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['METRICS_ALLOW', 'everyone'],
    ['FORCE_HTTPS', '1'],
    ['LIMITS', 'none'],
    ['LIMIT_LOGIN', '0/60'],
    ['LIMIT_LOGIN', '10/0'],
    ['LIMIT_LOGIN', '10'],
    ['MAILBOX_MAX_BYTES', '-1'],
    ['PASSWORD_QUEUE', 'off'],
    ['MESSAGE_LIFE_SECONDS', '604801'],
    ['LOG_LEVEL', 'loud'],
    ['PURGE_SCHEDULE', 'sometimes'],
    ['TLS_CERT_FILE', '/etc/hostname'],
    ['MIN_FREE_DISK', '1GB'],
    ['DISK_FOLDERS', '/nowhere/at/all'],
    ['DISK_FOLDERS', ','],
  ])('for %s = %s', async (name, value) => {
    const lines = await refusal({ SECRET_KEY, [name]: value })
    expect(lines.length).toBe(1)
    expect(lines[0]).toContain(name)
    // The value may be a secret.
    expect(lines[0]).not.toContain(value.length > 5 ? value : '\n')
  })

  test('for a kept secret that is too short, rather than signing with it', async () => {
    const scratch = makeScratch()
    writeFileSync(path.join(scratch.folder, 'secret-key'), 'short\n', { mode: 0o600 })
    const lines = await refusal({ DATA_DIR: scratch.folder })
    expect(lines).toEqual([expect.stringMatching(/secret-key holds fewer than 32 bytes/)])
    scratch.remove()
  })

  test('for a shorter life of messages in production', async () => {
    const lines = await refusal({ NODE_ENV: 'production', SECRET_KEY, MESSAGE_LIFE_SECONDS: '60' })
    expect(lines).toEqual([expect.stringMatching(/^MESSAGE_LIFE_SECONDS/)])
  })

  test('for MIN_FREE_DISK beside DATABASE_URL where nothing says which disk is meant', async () => {
    const settings = { SECRET_KEY, DATABASE_URL: 'postgresql://u@127.0.0.1:9/none', MIN_FREE_DISK: '1000000' }
    expect(await refusal(settings)).toEqual([expect.stringMatching(/^MIN_FREE_DISK needs DISK_FOLDERS/)])
  })

  test('for a port that is taken, in words', async () => {
    const taken = net.createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const scratch = makeScratch()
    const server = spawnServer({ PORT: port, DATA_DIR: scratch.folder })
    expect(await server.ended).toBe(1)
    expect(server.output()).toContain('The port is in use by another program.')
    taken.close()
    scratch.remove()
  })
})

describe('production', () => {
  test('needs SECRET_KEY only: without DATABASE_URL it warns and uses its own PostgreSQL, behind HTTPS', async () => {
    const scratch = makeScratch()
    const server = spawnServer({ NODE_ENV: 'production', SECRET_KEY, DATA_DIR: scratch.folder })
    const base = await server.listening
    expect(server.output()).toMatch(/Warning: DATABASE_URL is not set/)
    expect(server.output()).toMatch(/secret +SECRET_KEY/)
    expect(server.output()).not.toContain(SECRET_KEY)
    expect((await request(base, 'GET', '/me')).status).toBe(403)
    expect((await request(base, 'GET', '/ready')).status).toBe(200)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    scratch.remove()
  })
})

test('settings come from a .env file in the working folder, too, and the environment goes before it', async () => {
  const scratch = makeScratch()
  writeFileSync(
    path.join(scratch.folder, '.env'),
    'LIMITS=off\nDATA_DIR=./elsewhere\nLOG_LEVEL=loud\nDATABASE_URL=\n',
  )
  const server = spawnServer({ LOG_LEVEL: 'silent' }, { cwd: scratch.folder })
  await server.listening
  expect(server.output()).toMatch(/LIMITS=off/)
  expect(server.output()).toContain('elsewhere/postgresql/cluster')
  server.child.kill('SIGTERM')
  await server.ended
  scratch.remove()
})
