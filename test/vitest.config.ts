import { defineConfig } from 'vitest/config'

// Fast suites share one PostgreSQL and start servers of their own; slow ones, after them, start servers the way a person does.
export default defineConfig({
  test: {
    globalSetup: './harness/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    slowTestThreshold: 5000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['**/*.test.ts'],
          exclude: [
            'start/**',
            'cluster/**',
            'standby/**',
            'operations/**',
            'disk/**',
            'floods/**',
            'clients/packed-api.test.ts',
            'clients/python.test.ts',
            'fuzz/**',
            '**/node_modules/**',
            'dist/**',
          ],
        },
      },
      { extends: true, test: { name: 'slow', include: ['start/**/*.test.ts'], sequence: { groupOrder: 1 } } },
    ],
  },
})
