import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeScratch, REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'
import { CLIENTS, codeBlocks, compilerOf, errorsIn, refusalsIn, runWell } from './tools.js'

// `pnpm test:package`: packs packages/api as it would be published and installs it the way a stranger does.
// It needs npm's registry, and so it is no part of `pnpm test`.

const TRPC_CLIENT = '@trpc/client@11.25.2'
const relay = useRelay()
const scratch = makeScratch()
const source = path.join(REPOSITORY, 'packages/api')
const programs = path.join(CLIENTS, 'packed-api')
let tarball: string

beforeAll(async () => {
  await runWell('npm', ['pack', '--pack-destination', scratch.folder], { cwd: source })
  const name = readdirSync(scratch.folder).find((file) => file.endsWith('.tgz'))
  if (!name) throw new Error('npm pack made nothing')
  tarball = path.join(scratch.folder, name)
})
afterAll(() => scratch.remove())

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted()
}

describe.each(['7.0.2', '5.9.3'])('the package, installed beside TypeScript %s', (typescript) => {
  const folder = path.join(scratch.folder, `consumer-${typescript}`)
  const installed = path.join(folder, 'node_modules/@secure-messenger/api')
  const [client, errors] = codeBlocks(path.join(source, 'README.md'), 'ts')
  let said: string

  beforeAll(async () => {
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const install = ['install', '--no-audit', '--no-fund', tarball, TRPC_CLIENT, `typescript@${typescript}`]
    await runWell('npm', install, { cwd: folder })
    for (const name of ['accepted.mts', 'refused.mts'])
      copyFileSync(path.join(programs, name), path.join(folder, name))
    const here = String(client)
      .replace('http://127.0.0.1:8000', relay.base)
      .replace("'alice'", `'alice-${typescript}'`)
    writeFileSync(path.join(folder, 'readme-client.mts'), here)
    writeFileSync(path.join(folder, 'readme-errors.mts'), String(errors))
    const files = ['accepted.mts', 'refused.mts', 'readme-client.mts', 'readme-errors.mts']
    said = await compilerOf(folder).compile(folder, files, { skipLibCheck: false })
  }, 300_000)

  test('refuses every wrong field, operation and code, and nothing else, down to the declarations', () => {
    const marks = refusalsIn(path.join(programs, 'refused.mts'))
    expect(marks.length).toBeGreaterThan(0)
    expect(errorsIn(said)).toEqual(
      marks.map(({ where, words }) => ({ where, words: expect.stringContaining(words) })),
    )
  })

  test('gives schemas and error codes that work', async () => {
    const module = pathToFileURL(path.join(folder, 'accepted.mjs')).href
    const script = `import { checks } from '${module}'; console.log(JSON.stringify(checks()))`
    const told = await runWell(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder })
    expect(JSON.parse(told)).toEqual({
      id: '0197a3c2-5b1e-7d3a-9f40-6c1de2a7b8f1',
      paths: ['username', 'password'],
      unknown: false,
      empty: {},
      status: 409,
    })
  })

  test('carries the client that its README prints through a server', async () => {
    const told = await runWell(process.execPath, ['readme-client.mjs'], { cwd: folder })
    expect(told).toMatch(/^[0-9a-f-]{36} a note to myself, encrypted\n$/)
  })

  test('holds what is built from its source, its manifest and its README, and nothing else', () => {
    const modules = filesIn(path.join(source, 'src')).map((file) => file.replace(/\.ts$/, ''))
    const built = modules.flatMap((module) => [`dist/${module}.d.ts`, `dist/${module}.js`])
    // A file too many is what an older build left: remove packages/api/dist and build again.
    expect(filesIn(installed)).toEqual([...built, 'README.md', 'package.json'].toSorted())
  })

  test('speaks of no library but tRPC and zod', () => {
    const imported = filesIn(installed)
      .filter((file) => /\.(?:js|ts)$/.test(file))
      .flatMap((file) => {
        const text = readFileSync(path.join(installed, file), 'utf8')
        return [...text.matchAll(/(?:from |import |import\()["']([^."'][^"']*)["']/g)].map(([, name]) => name)
      })
    const libraries = imported.map((name = '') => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0])
    expect(new Set(libraries)).toEqual(new Set(['@trpc/server', 'zod']))
  })
})
