// The server without its tenth promise: it writes down what it is asked, and by whom.
import http from 'node:http'

const { emit } = http.Server.prototype

http.Server.prototype.emit = function emitAndTell(event, ...args) {
  if (event === 'request')
    process.stdout.write(`{"asked":"${args[0].url} ${args[0].headers.authorization}"}\n`)
  return emit.call(this, event, ...args)
}
await import('../../../server/dist/main.js')
