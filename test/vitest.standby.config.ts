import { defineConfig } from 'vitest/config'

// A cluster that fails over by itself: Debian's Patroni, etcd and PostgreSQL 15, which a developer's machine may lack.
export default defineConfig({
  test: {
    include: ['standby/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
