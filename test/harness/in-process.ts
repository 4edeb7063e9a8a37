import bcrypt from 'bcrypt'
import type { Hasher } from '../../server/dist/accounts/hasher.js'
import type { Running } from '../../server/dist/start.js'
import type { TestServer } from './process.js'

/** bcrypt's least: a millisecond instead of a quarter of a second. */
const ROUNDS = 4

/** The same hashes at the least cost, so that thousands of mutants can be tried. */
const cheapHasher: Hasher = {
  hash: (password) => bcrypt.hash(password, ROUNDS),
  matches: (password, hash) => bcrypt.compare(password, hash),
  decoy: () => bcrypt.hashSync('no password is this', ROUNDS),
  close: async () => undefined,
}

/** Loads the sources when they are asked for: a mutant may be in what a module does when it is loaded. */
export function loadServer() {
  return Promise.all([
    import('../../server/src/start.js'),
    import('../../server/src/config.js'),
    import('../../server/src/database/source.js'),
    import('../../server/src/log.js'),
  ])
}

/** The database of these tests need not outlive the machine. */
const DEFAULTS = { PORT: '0', DRAIN_SECONDS: '0', ALLOW_UNSAFE_DATABASE: 'true' }

async function begin(settings: Record<string, string>, write: (line: string) => void): Promise<Running> {
  const [{ start }, { readConfig }, { findSource }, { createLog }] = await loadServer()
  const config = readConfig({ ...DEFAULTS, ...settings })
  const log = createLog(config.logLevel, { write })
  return start(config, await findSource(config, log), log, undefined, cheapHasher)
}

/** Runs the server in this process, as TypeScript says it. */
export function startHere(settings: Record<string, string>): TestServer {
  let said = ''
  const running = begin(settings, (line) => (said += line))
  let end = (_code: number): void => undefined
  return {
    output: () => said,
    listening: running.then(({ address }) => address),
    ended: new Promise((resolve) => (end = resolve)),
    async stop() {
      await (await running).stop()
      end(0)
      return 0
    },
  }
}
