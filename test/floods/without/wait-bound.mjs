// The server without a bound of the time for which a password waits: the only timer of that length never ends.
const WAIT_MS = 15_000
const MAX_TIMER_MS = 2 ** 31 - 1
const { setTimeout } = globalThis

globalThis.setTimeout = (callback, ms, ...args) =>
  setTimeout(callback, ms === WAIT_MS ? MAX_TIMER_MS : ms, ...args)
await import('../../../server/dist/main.js')
