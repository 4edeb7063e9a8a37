import { copyFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeScratch, REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'
import { CLIENTS, compilerOf, errorsIn, packageOf, refusalsIn, runWell } from './tools.js'

// openapi-typescript needs the compiler as a library, which TypeScript 7 is not: this folder has a TypeScript 5
// for it. What it generates must serve users of either.
const COMPILERS = [compilerOf(CLIENTS), compilerOf(REPOSITORY)]

const relay = useRelay()
const scratch = makeScratch()
const programs = path.join(CLIENTS, 'openapi-fetch')

beforeAll(async () => {
  symlinkSync(path.join(CLIENTS, 'node_modules'), path.join(scratch.folder, 'node_modules'), 'junction')
  for (const name of ['journey.mts', 'refused.mts'])
    copyFileSync(path.join(programs, name), path.join(scratch.folder, name))
  const generator = path.join(packageOf(CLIENTS, 'openapi-typescript'), 'bin/cli.js')
  const types = path.join(scratch.folder, 'relay.d.mts')
  await runWell(process.execPath, [generator, `${relay.base}/openapi.json`, '--output', types])
})
afterAll(() => scratch.remove())

describe.each(COMPILERS)('types generated from /openapi.json, with TypeScript $version', ({ compile }) => {
  let said: string
  beforeAll(async () => {
    said = await compile(scratch.folder, ['journey.mts', 'refused.mts'])
  })

  test('refuse every wrong field, path, value and error code, and nothing else', () => {
    const marks = refusalsIn(path.join(programs, 'refused.mts'))
    expect(marks.length).toBeGreaterThan(0)
    expect(errorsIn(said)).toEqual(
      marks.map(({ where, words }) => ({ where, words: expect.stringContaining(words) })),
    )
  })

  test('carry a client from registering to reading a message', async () => {
    const module = pathToFileURL(path.join(scratch.folder, 'journey.mjs')).href
    const script = `import { journey } from '${module}'; console.log(JSON.stringify(await journey(process.argv[1])))`
    const told = await runWell(process.execPath, ['--input-type=module', '--eval', script, relay.base])
    expect(JSON.parse(told)).toEqual({
      tokenType: 'bearer',
      key: "bob's key",
      keyVersion: 1,
      sameMessage: true,
      ciphertext: 'only Bob can read this',
      more: false,
      status: 'delivered',
      code: 'not_found',
      detail: 'There is no such user.',
      isKnown: true,
    })
  })
})
