import { defineConfig } from 'vitest/config'

// Suites that install packages as a stranger would, and so need npm's registry or Python's: commands of their own.
export default defineConfig({
  test: {
    globalSetup: './harness/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 300_000,
    projects: [
      { extends: true, test: { name: 'package', include: ['clients/packed-api.test.ts'] } },
      { extends: true, test: { name: 'python', include: ['clients/python.test.ts'] } },
      { extends: true, test: { name: 'fuzz', include: ['fuzz/fuzz.test.ts'] } },
    ],
  },
})
