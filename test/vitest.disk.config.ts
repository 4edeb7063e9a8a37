import { defineConfig } from 'vitest/config'

// Disks that fill up: small file systems in memory, which only root may mount, and Debian's PostgreSQL 15.
export default defineConfig({
  test: {
    include: ['disk/**/*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
