import { existsSync } from 'node:fs'

const LIBRARIES = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`,
)

/**
 * Settings that have a process believe another time, by Debian's package `faketime`.
 *
 * @param offset - such as `+1h`
 * @throws where it is not installed: what is not tried is not passed
 */
export function withFalseClock(offset: string): Record<string, string> {
  const library = LIBRARIES.find((file) => existsSync(file))
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime')
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}
