// Generates Prisma's client where the schema changed, then compiles what changed.
// `node scripts/build.mjs` builds everything; with names (`packages/api server`), those projects and what they need.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const generated = path.join(root, 'server/src/database/generated')
const stamp = path.join(generated, 'schema.sha256')

function run(name, args) {
  const { status } = spawnSync(path.join(root, 'node_modules/.bin', name), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

function generateClient() {
  const sources = ['prisma/schema.prisma', 'node_modules/prisma/package.json'].map((file) =>
    readFileSync(path.join(root, file)),
  )
  const wanted = createHash('sha256').update(Buffer.concat(sources)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  run('prisma', ['generate', '--no-hints'])
  writeFileSync(stamp, wanted)
}

generateClient()
run('tsc', ['-b', ...process.argv.slice(2)])
