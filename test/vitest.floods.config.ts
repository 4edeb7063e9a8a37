import { defineConfig } from 'vitest/config'
import { EvidenceReporter } from './floods/evidence.js'

// Hostile clients by the thousand, and clocks that lie (Debian's `faketime`). One file at a time: the figures are times.
export default defineConfig({
  test: {
    globalSetup: './harness/global-setup.ts',
    include: ['floods/**/*.test.ts'],
    reporters: ['default', new EvidenceReporter()],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    slowTestThreshold: 60_000,
    fileParallelism: false,
  },
})
