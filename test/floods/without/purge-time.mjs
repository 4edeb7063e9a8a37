// The server without patience: its purge removes what has ten seconds left.
import pg from 'pg'

const { query } = pg.Pool.prototype

pg.Pool.prototype.query = function queryEarly(config, ...rest) {
  if (config.name !== 'purge') return query.call(this, config, ...rest)
  const text = config.text.replace('now()', `now() + interval '10 seconds'`)
  return query.call(this, { ...config, text }, ...rest)
}
await import('../../../server/dist/main.js')
