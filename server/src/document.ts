import { writeFileSync } from 'node:fs'
import { createRouter, type Services } from '@secure-messenger/api'
import { createDocument } from './http/openapi.js'
import { API_VERSION } from './version.js'

// `pnpm openapi`: the document as the server gives it, without a server. The router is only read, never called.
function uncalled(): never {
  throw new Error('the document is made without calling anything')
}

const services: Services = {
  authenticator: { authenticate: uncalled },
  limiter: { take: uncalled, check: uncalled },
  accounts: { register: uncalled, login: uncalled, me: uncalled },
  directory: { get: uncalled, find: uncalled, update: uncalled },
  mailbox: {
    send: uncalled,
    list: uncalled,
    live: uncalled,
    confirm: uncalled,
    confirmMany: uncalled,
    status: uncalled,
  },
}

const [file] = process.argv.slice(2)
if (!file) throw new Error('usage: node document.js FILE')
writeFileSync(file, `${JSON.stringify(createDocument(createRouter(services), API_VERSION), null, 2)}\n`)
