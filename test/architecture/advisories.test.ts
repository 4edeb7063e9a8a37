import { readFileSync } from 'node:fs'
import path from 'node:path'
import { satisfies } from 'semver'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'

const advisories = z.array(z.strictObject({ id: z.string(), package: z.string(), vulnerable: z.string() }))
const file = readFileSync(path.join(REPOSITORY, 'test/architecture/advisories.json'), 'utf8')
const known = z.object({ advisories }).parse(JSON.parse(file))

const lockfile = z.object({ packages: z.record(z.string(), z.unknown()) })

/** `name@version` of everything that an installation brings. */
function lockedPackages(): string[] {
  const text = readFileSync(path.join(REPOSITORY, 'pnpm-lock.yaml'), 'utf8')
  return text
    .split(/^---$/m)
    .flatMap((document) => Object.keys(lockfile.safeParse(parse(document)).data?.packages ?? {}))
}

function affected(locked: readonly string[]): string[] {
  return locked.flatMap((name) => {
    const at = name.lastIndexOf('@')
    const [named, version] = [name.slice(0, at), name.slice(at + 1)]
    return known.advisories
      .filter((advisory) => advisory.package === named)
      .filter(({ vulnerable }) => satisfies(version, vulnerable, { includePrerelease: true }))
      .map(({ id }) => `${name}: ${id}`)
  })
}

it('No installed package has a fault that is known here', () => {
  const locked = lockedPackages()
  expect(locked.length).toBeGreaterThan(100)
  expect(affected(locked)).toEqual([])
})

it('A package that has one is told', () => {
  expect(affected(['jsonwebtoken@8.5.1', '@trpc/server@11.0.4', 'jws@4.0.1'])).toEqual([
    'jsonwebtoken@8.5.1: GHSA-8cf7-32gw-wr33',
    'jsonwebtoken@8.5.1: GHSA-hjrf-2m68-5959',
    'jsonwebtoken@8.5.1: GHSA-qwph-4952-7xr6',
    '@trpc/server@11.0.4: GHSA-pj3v-9cm8-gvj8',
    '@trpc/server@11.0.4: GHSA-43p4-m455-4f4j',
  ])
})
