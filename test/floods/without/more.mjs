// The server whose pages do not tell that something is left behind them.
import { Pages } from '../../../server/dist/mailbox/pages.js'

const { readEach } = Pages.prototype

Pages.prototype.readEach = async function readEachSilently(...args) {
  return (await readEach.apply(this, args)).map((page) => ({ ...page, more: false }))
}
await import('../../../server/dist/main.js')
