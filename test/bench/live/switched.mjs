// The server with live delivery that SIGUSR2 turns off and on again: off, nobody is told of anything. One process is
// compared with itself, for two that run the same code were seen to differ by a tenth.
import { Delivery } from '../../../server/dist/delivery/delivery.js'

const { announce } = Delivery.prototype
let off = false

process.on('SIGUSR2', () => (off = !off))
Delivery.prototype.announce = function announceIfOn(news) {
  if (!off) announce.call(this, news)
}
await import('../../../server/dist/main.js')
