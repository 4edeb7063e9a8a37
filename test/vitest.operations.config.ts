import { defineConfig } from 'vitest/config'

// What operators do: they want Debian's PostgreSQL 15 with its tools, and the project's history.
export default defineConfig({
  test: {
    globalSetup: './harness/global-setup.ts',
    include: ['operations/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
})
