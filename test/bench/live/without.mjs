// The server without live delivery, to compare with: nobody is told of anything.
import { Delivery } from '../../../server/dist/delivery/delivery.js'

Delivery.prototype.announce = () => undefined
await import('../../../server/dist/main.js')
