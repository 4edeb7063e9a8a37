// Loaded into a server ahead of it: tells of each turn of its event loop that takes long, in milliseconds of the main
// thread's own time on a processor. What else the machine does, and with whom it shares, does not count.
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const LOOK_MS = 10
const LONG_MS = 20
const NANOSECONDS = 1e6

const timeOnProcessor = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / NANOSECONDS

if (isMainThread) {
  let last = timeOnProcessor()
  setInterval(() => {
    const now = timeOnProcessor()
    if (now - last > LONG_MS) process.stderr.write(`a turn of ${Math.round(now - last)} ms\n`)
    last = now
  }, LOOK_MS).unref()
}
