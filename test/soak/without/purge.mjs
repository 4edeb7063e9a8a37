// The server without its purge, as this repository's soak must notice.
import { Schedule } from '../../../server/dist/retention/schedule.js'

Schedule.prototype.runOnce = async () => undefined
await import('../../../server/dist/main.js')
