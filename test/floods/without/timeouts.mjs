// The server without its patience's end: a request may take for ever to come.
import { HttpServer } from '../../../server/dist/http/server.js'

const { listen } = HttpServer.prototype

HttpServer.prototype.listen = function listenPatiently(...args) {
  this.server.headersTimeout = 0
  this.server.requestTimeout = 0
  return listen.apply(this, args)
}
await import('../../../server/dist/main.js')
