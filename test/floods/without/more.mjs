// The server whose pages do not tell that something is left behind them.
import { PageStore } from '../../../server/dist/mailbox/page-store.js'

const { readEach } = PageStore.prototype

PageStore.prototype.readEach = async function readEachSilently(...args) {
  return (await readEach.apply(this, args)).map((page) => ({ ...page, more: false }))
}
await import('../../../server/dist/main.js')
