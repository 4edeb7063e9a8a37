import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import type { BcryptRound } from '../document/figures.js'
import { measure, type Target } from '../load/window.js'
import type { Works } from '../load/works.js'
import { median, rounded } from '../numbers.js'
import { LOGIN_WINDOW_FACTOR } from '../options.js'
import { REPOSITORY } from '../places.js'

const COST = 12
const LOGINS_AT_ONCE = 8
/** Before and after the logins each. */
const HASHES = 5
const MS = 1000
const PASSWORD = 'correct horse battery'

type Bcrypt = {
  hash(password: string, cost: number): Promise<string>
  compare(password: string, hash: string): Promise<boolean>
}
const isBcrypt = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'hash' in value && 'compare' in value

/** The server's own dependency. */
function loadBcrypt(): Bcrypt {
  const require = createRequire(path.join(REPOSITORY, 'server/package.json'))
  return z.custom<Bcrypt>(isBcrypt, 'the bcrypt package has no hash and compare').parse(require('bcrypt'))
}

async function timesOf(bcrypt: Bcrypt, hash: string): Promise<number[]> {
  const times: number[] = []
  for (let at = 0; at < HASHES; at++) {
    const began = performance.now()
    if (!(await bcrypt.compare(PASSWORD, hash))) throw new Error('bcrypt does not know its own hash')
    times.push(performance.now() - began)
  }
  return times
}

/** Comparisons per second with as many under way as there are cores. */
async function rateOnAllCores(bcrypt: Bcrypt, hash: string, seconds: number): Promise<number> {
  const began = performance.now()
  let done = 0
  const work = async (): Promise<void> => {
    for (; performance.now() < began + seconds * MS; done++) await bcrypt.compare(PASSWORD, hash)
  }
  await Promise.all(Array.from({ length: os.availableParallelism() }, work))
  return done / ((performance.now() - began) / MS)
}

/** bcrypt by itself, in this process while the server idles, and logins over the wire between. */
export async function measurePasswords(target: Target, works: Works, seconds: number): Promise<BcryptRound> {
  const bcrypt = loadBcrypt()
  const hash = await bcrypt.hash(PASSWORD, COST)
  const before = await timesOf(bcrypt, hash)
  const allCores = await rateOnAllCores(bcrypt, hash, seconds * LOGIN_WINDOW_FACTOR)
  const logins = await measure(target, LOGINS_AT_ONCE, seconds * LOGIN_WINDOW_FACTOR, works.logins())
  const after = await timesOf(bcrypt, hash)
  return {
    hash_ms: rounded(median([...before, ...after])),
    all_cores_per_s: rounded(allCores),
    logins_per_s: logins.per_s,
  }
}
