import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, closeSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { request } from '../harness/http.js'
import { freePort, until } from '../harness/ports.js'
import { endOf, makeScratch, REPOSITORY } from '../harness/process.js'
import { SECRET_KEY } from '../harness/tokens.js'
import { SmallDisk } from './small-disk.js'
import { within } from './world.js'

const CALLS = 200

test('a server whose log lies on a full disk goes on serving, writes again once there is room, and ends when told to', async () => {
  const scratch = makeScratch()
  const disk = SmallDisk.mount(path.join(scratch.folder, 'disk'), 1)
  const log = path.join(disk.folder, 'log')
  const file = openSync(log, 'a')
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const server = spawn(process.execPath, [path.join(REPOSITORY, 'server/dist/main.js')], {
    env: {
      SECRET_KEY,
      PORT: String(port),
      LIMITS: 'off',
      DRAIN_SECONDS: '0',
      DATA_DIR: path.join(scratch.folder, 'data'),
    },
    stdio: ['ignore', file, file],
  })
  const ended = endOf(server)
  const isReady = () =>
    request(base, 'GET', '/ready').then(
      ({ status }) => status === 200,
      () => false,
    )
  const call = async (): Promise<void> => {
    for (let at = 0; at < CALLS; at += 1)
      expect((await within(10, request(base, 'GET', '/me'))).status).toBe(401)
  }
  try {
    await until('the server', isReady, ended)
    disk.fill()
    await call()
    const before = readFileSync(log).length
    disk.clear()
    await call()
    await expect.poll(() => readFileSync(log).length, { timeout: 5000 }).toBeGreaterThan(before + 10_000)
    disk.fill()
    await call()
    expect(server.exitCode).toBe(null)
    server.kill('SIGTERM')
    await within(20, ended)
    expect(server.exitCode).toBe(0)
  } finally {
    if (server.exitCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    closeSync(file)
    disk.unmount()
    scratch.remove()
  }
})
