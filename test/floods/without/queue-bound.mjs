// The server without a bound of its password queue.
import { PasswordQueue } from '../../../server/dist/accounts/password-queue.js'

const { run } = PasswordQueue.prototype

PasswordQueue.prototype.run = function runSometime(standing, work) {
  this.options = { ...this.options, capacity: Number.POSITIVE_INFINITY }
  return run.call(this, standing, work)
}
await import('../../../server/dist/main.js')
