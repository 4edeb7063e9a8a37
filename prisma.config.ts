import { fileURLToPath } from 'node:url'
import { defineConfig } from 'prisma/config'

// These verbs need no schema engine, yet the CLI wants to download one first, which a closed network refuses.
// Pointing it at any file that exists ends that. Never for `migrate`: a check that cannot fail would come of it.
const NEEDS_NO_ENGINE = ['generate', 'validate', 'format']
if (NEEDS_NO_ENGINE.includes(process.argv[2] ?? '')) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= fileURLToPath(import.meta.url)
}

const url = process.env['DATABASE_URL']

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url && { datasource: { url } }),
})
