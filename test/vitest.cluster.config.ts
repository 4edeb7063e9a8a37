import { defineConfig } from 'vitest/config'

// What several instances need beside PostgreSQL: programs that a developer's machine may not have.
export default defineConfig({
  test: {
    globalSetup: './harness/global-setup.ts',
    include: ['cluster/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
