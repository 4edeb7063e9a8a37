import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from '../harness/process.js'

interface Source {
  readonly file: string
  readonly text: string
  /** What it imports: a file of the repository, or a package. */
  readonly imports: readonly string[]
}

function read(folder: string): Source[] {
  const root = path.join(REPOSITORY, folder)
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => {
      const text = readFileSync(path.join(root, name), 'utf8')
      const found = [...text.matchAll(/(?:from|import) '([^']+)'/g)].map(([, target]) => String(target))
      const file = path.join(folder, name)
      const imports = found.map((target) =>
        target.startsWith('.') ? path.join(path.dirname(file), target) : target,
      )
      return { file, text, imports }
    })
}

const api = read('packages/api/src')
const server = read('server/src')

function offenders(sources: readonly Source[], allowed: (target: string, file: string) => boolean): string[] {
  return sources.flatMap(({ file, imports }) =>
    imports.filter((target) => !allowed(target, file)).map((target) => `${file} → ${target}`),
  )
}

describe('the arrows', () => {
  test('the API depends on zod and @trpc/server alone', () => {
    expect(
      offenders(
        api,
        (target) => target.startsWith('packages/api/src') || /^(zod|@trpc\/server)(\/|$)/.test(target),
      ),
    ).toEqual([])
  })

  test('the domains do not know the doors', () => {
    const domains = server.filter(({ file }) =>
      /server\/src\/(accounts|mailbox|delivery|directory|retention|database)\//.test(file),
    )
    expect(domains.length).toBeGreaterThan(15)
    expect(
      offenders(
        domains,
        (target) => !/server\/src\/http|^(express|helmet|cors|trpc-to-openapi)/.test(target),
      ),
    ).toEqual([])
  })

  test('SQL stands in the stores, the database folder, the lock of the purge and the channel, and nowhere else', () => {
    const statement = /\b(select|insert into|update \w+ \w* ?set|delete from)\b/i
    const elsewhere = server.filter(
      ({ file }) =>
        !/store\.ts|\/database\/|delivery\/postgres-channel\.ts|retention\/lock\.ts|http\/readiness\.ts/.test(
          file,
        ),
    )
    const withSql = elsewhere.filter(({ text }) => statement.test(text.replace(/\/\*[^]*?\*\/|\/\/.*/g, '')))
    expect(withSql.map(({ file }) => file)).toEqual([])
  })

  test('Prisma and pg are known to the stores, the database folder, the lock of the purge and the channel alone', () => {
    const elsewhere = server.filter(
      ({ file }) => !/store\.ts|\/database\/|delivery\/postgres-channel\.ts|retention\/lock\.ts/.test(file),
    )
    expect(offenders(elsewhere, (target) => !/^(pg|@prisma\/.*)$/.test(target))).toEqual([])
  })

  test('the environment is read in one place', () => {
    const readers = [...api, ...server]
      .filter(({ text }) => /process\.env/.test(text))
      .map(({ file }) => file)
    expect(readers).toEqual(['server/src/config.ts'])
  })

  test('nothing imports an entry, and building the app never listens', () => {
    const entries = /server\/src\/(main|migrate|restored|document)\.js$/
    expect(offenders(server, (target) => !entries.test(target))).toEqual([])
    const listeners = server.filter(({ text }) => /\blisten\(/.test(text)).map(({ file }) => file)
    expect(listeners.toSorted()).toEqual([
      'server/src/http/listening.ts',
      'server/src/http/server.ts',
      'server/src/start.ts',
      'server/src/workers/entrance.ts',
      'server/src/workers/supervisor.ts',
    ])
  })

  test('no module holds state: nothing is assigned or filled at the top of a file', () => {
    const stateful = [...api, ...server].filter(({ text }) =>
      /^(export )?let |^(export )?const \w+(: [^=]+)? = new (Map|Set|WeakMap)\(\)/m.test(text),
    )
    expect(stateful.map(({ file }) => file)).toEqual([])
  })
})

describe('the statements', () => {
  test.each([
    [/skip locked/i, 'skip locked'],
    [/\bctid\b/i, 'ctid'],
    [/coalesce\([^)]*(now|clock_timestamp)\(/i, 'a function inside COALESCE'],
    [/case\b[^;]*\bnow\(\)[^;]*\bend\b/i, 'a function inside CASE'],
    [/for update/i, 'for update'],
    [/lock_timeout/i, 'lock_timeout'],
    [/constraint\s*===|\.constraint\b/, "a constraint's name"],
  ])('hold nothing like %s', (form, _name) => {
    const migrations = readdirSync(path.join(REPOSITORY, 'prisma/migrations'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join('prisma/migrations', name, 'migration.sql'))
    const texts = [
      ...server.map(({ file, text }) => ({ file, text })),
      ...migrations.map((file) => ({ file, text: readFileSync(path.join(REPOSITORY, file), 'utf8') })),
    ]
    expect(texts.filter(({ text }) => form.test(text)).map(({ file }) => file)).toEqual([])
  })

  test('read clock_timestamp in the migrations, and for /ready, alone', () => {
    const users = server.filter(({ text }) => /clock_timestamp\(/.test(text)).map(({ file }) => file)
    expect(users).toEqual(['server/src/http/readiness.ts'])
  })
})

test("the README's typed client is the one that is tested", () => {
  const blockOf = (file: string): string | undefined =>
    /```ts\n[^]*?```/.exec(readFileSync(path.join(REPOSITORY, file), 'utf8'))?.[0]
  expect(blockOf('README.md')).toBe(blockOf('packages/api/README.md'))
})

test('every setting that the server reads stands in .env.example', () => {
  const example = readFileSync(path.join(REPOSITORY, '.env.example'), 'utf8')
  const config = readFileSync(path.join(REPOSITORY, 'server/src/config.ts'), 'utf8')
  const limits = readFileSync(path.join(REPOSITORY, 'packages/api/src/limits.ts'), 'utf8')
  const names = [
    ...[...config.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => String(name)),
    ...[...limits.matchAll(/setting: '([A-Z_]+)'/g)].map(([, name]) => String(name)),
  ]
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name) => !new RegExp(`^#? ?${name}=`, 'm').test(example))).toEqual([])
})
