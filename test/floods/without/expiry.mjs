// The server without an end of messages: they are listed and confirmed for as long as they are there.
import pg from 'pg'

const { query } = pg.Pool.prototype

pg.Pool.prototype.query = function queryForEver(config, ...rest) {
  if (!config.text?.includes('expires_at > ')) return query.call(this, config, ...rest)
  const text = config.text.replace('expires_at > now()', 'true').replace('m.expires_at > t.at', 'true')
  return query.call(this, { ...config, text }, ...rest)
}
await import('../../../server/dist/main.js')
