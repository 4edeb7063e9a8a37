import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeScratch, REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'
import { makePythonEnvironment } from './python-environment.js'
import { CLIENTS, codeBlocks, runWell } from './tools.js'

// `pnpm test:python`: a client that a generator writes, from the document that the server gives.
// It needs Python and the registry of its packages, and so it is no part of `pnpm test`.

const relay = useRelay()
const scratch = makeScratch()
const programs = path.join(CLIENTS, 'python')
const environment = path.join(scratch.folder, 'venv')
const python = path.join(environment, 'bin/python')
const generated = path.join(scratch.folder, 'client')
// The generator formats what it writes with ruff, which it looks for there.
const env = { PATH: `${path.dirname(python)}${path.delimiter}${process.env['PATH'] ?? ''}` }

beforeAll(() => makePythonEnvironment(environment, path.join(programs, 'requirements.txt')))
afterAll(() => scratch.remove())

describe('a Python client generated from /openapi.json', () => {
  test('is written without a warning about the document, and installs as a package', async () => {
    const document = `${relay.base}/openapi.json`
    const args = ['generate', '--url', document, '--output-path', generated, '--fail-on-warning']
    const said = await runWell(path.join(environment, 'bin/openapi-python-client'), args, { env })
    expect(said).not.toMatch(/warning/i)
    // What builds it is among the requirements: nothing unpinned is fetched.
    const offline = ['--quiet', '--no-index', '--no-deps', '--no-build-isolation']
    await runWell(python, ['-m', 'pip', 'install', ...offline, generated])
  })

  test('goes from registering to reading a message, and gets every refusal as a problem', async () => {
    const told = await runWell(python, [path.join(programs, 'journey.py'), relay.base])
    expect(JSON.parse(told)).toEqual({
      'every module can be imported': true,
      status: 'delivered',
      missing: [404, 'not_found', expect.any(String)],
      field: 'limit',
    })
  })
})

describe('the Python client of the README', () => {
  const program = readFileSync(path.join(programs, 'ten_lines.py'), 'utf8')

  test('goes from registering to confirming a message', async () => {
    const here = program.replace('http://127.0.0.1:8000', relay.base)
    expect(await runWell(python, ['-c', here])).toMatch(/^[0-9a-f-]{36} a note to myself, encrypted\n$/)
  })

  test('is printed there as it is tested', () => {
    expect(codeBlocks(path.join(REPOSITORY, 'README.md'), 'python')).toContain(program)
  })
})
