import { copyFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { makePythonEnvironment } from '../clients/python-environment.js'
import { run, type Ran } from '../clients/tools.js'
import { makeScratch, REPOSITORY } from '../harness/process.js'
import { expectDefined, useRelay, type TestUser } from '../harness/relay.js'
import { answeredWith, countCases, tableOf, type Cases } from './cases.js'

// `pnpm test:fuzz`: Schemathesis makes calls from the document that the server gives, right ones and wrong ones, and
// holds every answer against it. It needs Python and the registry of its packages, and so it is no part of `pnpm test`.
// FUZZ_SEED=7 makes other calls; FUZZ_MAX_EXAMPLES=1000 makes more.

const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const DEFAULT_EXAMPLES = 60
const MAX_EXAMPLES = Number(process.env['FUZZ_MAX_EXAMPLES'] ?? DEFAULT_EXAMPLES)
const PATIENCE_MS = 600_000 * Math.max(1, MAX_EXAMPLES / DEFAULT_EXAMPLES)
const MESSAGES = 20

const relay = useRelay()
const scratch = makeScratch()
const at = (name: string): string => path.join(scratch.folder, name)
const report = at('report.ndjson')

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.array(z.unknown()) }))),
})

interface DocumentedOperation {
  readonly label: string
  readonly isProtected: boolean
}

async function readDocument(): Promise<DocumentedOperation[]> {
  const { paths } = document.parse((await relay.get('/openapi.json')).json)
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      label: `${method.toUpperCase()} ${template}`,
      isProtected: security.length > 0,
    })),
  )
}

function writeDictionary(name: string, values: readonly string[]): void {
  writeFileSync(at(`${name}.dict`), values.map((value) => `"${value}"\n`).join(''))
}

/** How Schemathesis logs in; the names are what schemathesis.toml calls them. */
function writeUsers(users: Record<string, TestUser>): void {
  const token = {
    extractFrom: 'body',
    extractSelector: '/access_token',
    sendIn: 'header',
    sendName: 'Authorization',
    sendTemplate: 'Bearer {token}',
  }
  const login = { endpoint: '/login', verb: 'POST', contentType: 'application/json', token }
  const auth = Object.entries(users).map(([name, { username, password }]) => {
    const payloadUserPwd = { username, usernameField: 'username', password, passwordField: 'password' }
    return { name, loginEndpointAuth: { ...login, payloadUserPwd } }
  })
  writeFileSync(at('users.json'), JSON.stringify({ auth }))
}

/** Two people with one password, and messages that alice sent to herself: she may ask after them and confirm them. */
async function writeWhatExists(): Promise<void> {
  const password = 'the password of both'
  const alice = await relay.register({ password })
  const bob = await relay.register({ password })
  const messages: string[] = []
  for (let n = 0; n < MESSAGES; n += 1) messages.push(await relay.send(alice, alice, `message ${n}`))
  writeUsers({ alice, bob })
  writeDictionary('names', [alice.username, bob.username])
  writeDictionary('passwords', [password])
  writeDictionary('people', [alice.id, bob.id])
  writeDictionary('senders', [alice.id])
  writeDictionary('messages', messages)
  for (const name of ['schemathesis.toml', 'relaxed.py'])
    copyFileSync(path.join(REPOSITORY, 'test/fuzz', name), at(name))
}

function fuzz(schemathesis: string): Promise<Ran> {
  const config = ['--config-file', at('schemathesis.toml')]
  const amount = ['--seed', String(SEED), '--max-examples', String(MAX_EXAMPLES)]
  const told = ['--report', 'ndjson', '--report-ndjson-path', report]
  const args = [...config, 'run', `${relay.base}/openapi.json`, '--checks', 'all', ...amount, ...told]
  return run(schemathesis, args, { cwd: scratch.folder, timeoutMs: PATIENCE_MS })
}

afterAll(() => scratch.remove())

describe(`the REST door, fuzzed from its own document with seed ${SEED}`, () => {
  let operations: DocumentedOperation[]
  let said: Ran
  let counted: Cases[]

  beforeAll(async () => {
    const requirements = path.join(REPOSITORY, 'test/fuzz/requirements.txt')
    const python = await makePythonEnvironment(at('venv'), requirements)
    await writeWhatExists()
    operations = await readDocument()
    said = await fuzz(path.join(path.dirname(python), 'schemathesis'))
    const labels = operations.map(({ label }) => label)
    counted = await countCases(report, labels)
    console.log(`${said.output}\n${tableOf(counted)}\nseed ${SEED}, at most ${MAX_EXAMPLES} examples`)
  }, PATIENCE_MS + 300_000)

  test('answers every call as the document says', () => {
    expect(said.status).toBe(0)
  })

  test('answers every call, and none with a fault of its own', () => {
    expect(counted.filter((of) => of.unanswered > 0 || answeredWith(of, 5) > 0)).toEqual([])
  })

  test('was seen to succeed at every operation', () => {
    expect(counted.filter((of) => answeredWith(of, 2) === 0)).toEqual([])
  })

  test('refused calls without a token and with a wrong one at every operation that needs one', () => {
    const closed = operations.filter(({ isProtected }) => isProtected)
    expect(closed.length).toBeGreaterThan(0)
    for (const { label } of closed) {
      const { refusedTokens } = expectDefined(counted.find(({ operation }) => operation === label))
      expect.soft(refusedTokens.none, `${label} without a token`).toBeGreaterThan(0)
      expect.soft(refusedTokens.wrong, `${label} with a wrong token`).toBeGreaterThan(0)
    }
  })

  test('had the server log its answers, and no fault among them', () => {
    const lines = relay.process.output().split('\n')
    expect(lines.some((line) => line.includes('"status":201'))).toBe(true)
    expect(lines.filter((line) => /"level":[56]0/.test(line))).toEqual([])
  })
})
