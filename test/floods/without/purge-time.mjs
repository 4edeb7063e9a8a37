// The server without patience: its purge removes what has ten seconds left.
// Clients are what a pool asks through, and the purge has one of its own.
import pg from 'pg'

const { query } = pg.Client.prototype

pg.Client.prototype.query = function queryEarly(config, ...rest) {
  if (config.name !== 'purge') return query.call(this, config, ...rest)
  const text = config.text.replace('now()', `now() + interval '10 seconds'`)
  return query.call(this, { ...config, text }, ...rest)
}
await import('../../../server/dist/main.js')
