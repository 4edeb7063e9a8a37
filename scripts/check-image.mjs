// `pnpm check:image`: what `docker build` and `docker run` would do, without a Docker engine. It walks through the
// Dockerfile stage by stage in scratch folders, starts what the last stage would start, asks it, and stops it.
// What only a real image can show (the base image, its Node and its libraries) is said, never passed over.
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hasEnded, signalGroup, start, stopOnSignal } from './image/processes.mjs'
import { fail, parseDockerfile, parseIgnore } from './image/recipe.mjs'
import { buildStages, optionsOf } from './image/stages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const READY_SECONDS = 60
const STOP_SECONDS = 60
const POLL_MS = 100

// Secrets, and what a checkout makes for itself (it would hide a build that does not make it). Whether or not they
// are there now, .dockerignore must keep them out.
const KEPT_OUT = [
  '.env',
  '.env.local',
  'server/.env',
  '.npmrc',
  'server/.npmrc',
  '.git/config',
  'data/secret-key',
]
const MADE_HERE = [
  'node_modules/x',
  'server/node_modules/x',
  'server/dist/x',
  'server/src/database/generated/x',
]

function say(line) {
  process.stdout.write(`${line}\n`)
}

function readIgnored() {
  const ignored = parseIgnore(readText('.dockerignore'))
  const leaking = [...KEPT_OUT, ...MADE_HERE].filter((file) => !ignored(file))
  if (leaking.length > 0) fail(`.dockerignore lets in what must stay out: ${leaking.join(', ')}.`)
  say('.dockerignore keeps secrets and what a checkout makes out of the build')
  return ignored
}

function readText(file) {
  return readFileSync(path.join(root, file), 'utf8')
}

/** The compilers and their like belong to the stages that build. */
function checkDependencies(stage) {
  const { devDependencies } = JSON.parse(readText('package.json'))
  const modules = path.join(stage.folder, stage.workdir, 'node_modules')
  const found = Object.keys(devDependencies).filter((name) => existsSync(path.join(modules, name)))
  if (found.length > 0) fail(`The image would hold development dependencies: ${found.join(', ')}.`)
  say('The last stage holds no development dependency')
}

function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

async function waitUntilReady(port, server) {
  const deadline = Date.now() + READY_SECONDS * 1000
  let last = 'no answer'
  while (Date.now() < deadline) {
    if (hasEnded(server))
      fail(`The server ended with ${await server.ended} before it was ready.\n${server.readOutput()}`)
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined)
    if (answer?.status === 200) return
    if (answer) last = `status ${answer.status}`
    await sleep(POLL_MS)
  }
  fail(`/ready did not answer 200 within ${READY_SECONDS} s: ${last}.\n${server.readOutput()}`)
}

// A server that has to be killed leaves its PostgreSQL behind, which ends by itself once its folder is gone.
async function stop(server) {
  signalGroup(server, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(server, 'SIGKILL'), STOP_SECONDS * 1000)
  const code = await server.ended
  clearTimeout(timer)
  return code
}

async function checkHealth(stage, env, wanted) {
  const shell = start('/bin/sh', ['-c', stage.healthcheck], optionsOf(stage, env))
  const code = await shell.ended
  if ((code === 0) !== (wanted === 'healthy'))
    fail(`HEALTHCHECK ended with ${code}, but the server is ${wanted}.\n${shell.readOutput()}`)
  say(`HEALTHCHECK: ${code}, and the server is ${wanted}`)
}

/** What an operator runs after a restore, here on the database that the server has just left. */
async function tellRestored(stage, env) {
  const program = start('node', ['server/dist/restored.js'], optionsOf(stage, env))
  if ((await program.ended) !== 0) fail(`restored.js failed in the image.\n${program.readOutput()}`)
  say('node server/dist/restored.js: a new epoch began')
}

/** Runs the image's command without DATABASE_URL, so on the server's own PostgreSQL. */
async function serve(stage) {
  const port = await findFreePort()
  const env = { PATH: process.env.PATH, PORT: port, SECRET_KEY: randomBytes(48).toString('base64') }
  const startedAt = Date.now()
  const server = start(stage.command[0], stage.command.slice(1), optionsOf(stage, env))
  try {
    await waitUntilReady(port, server)
    say(`CMD ${stage.command.join(' ')}: /ready answers 200 after ${Date.now() - startedAt} ms`)
    await checkHealth(stage, env, 'healthy')
  } catch (error) {
    await stop(server)
    throw error
  }
  const code = await stop(server)
  if (code !== 0) fail(`After SIGTERM the server ended with ${code}, not 0.\n${server.readOutput()}`)
  say('SIGTERM: the server ended with 0')
  await checkHealth(stage, env, 'gone')
  await tellRestored(stage, env)
}

async function main() {
  stopOnSignal()
  process.umask(0o022)
  const ignored = readIgnored()
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'image-'))
  // Reachable for the account that stands for the image's.
  chmodSync(scratch, 0o755)
  try {
    const instructions = parseDockerfile(readText('Dockerfile'))
    const stage = await buildStages(instructions, { root, scratch, ignored })
    checkDependencies(stage)
    await serve(stage)
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
  say('The image builds, starts, answers and stops.')
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
