// The server without threads for its hashes: they take the event loop's time.
import { createRequire } from 'node:module'
import { BcryptHasher } from '../../../server/dist/accounts/hasher.js'

const bcrypt = createRequire(new URL('../../../server/package.json', import.meta.url))('bcrypt')

BcryptHasher.prototype.matches = async (password, hash) => bcrypt.compareSync(password, hash)
await import('../../../server/dist/main.js')
