// The server that looks for late connections every five seconds, and so ends in one go all that came in five.
import http from 'node:http'

const { createServer } = http

http.createServer = (options, listener) =>
  createServer({ ...options, connectionsCheckingInterval: 5000 }, listener)
await import('../../../server/dist/main.js')
