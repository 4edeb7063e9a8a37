// The server without a look at old tokens: an owner is anybody.
import { Tokens } from '../../../server/dist/accounts/tokens.js'

Tokens.prototype.ownerOf = () => undefined
await import('../../../server/dist/main.js')
