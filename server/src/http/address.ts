import type { Config } from '../config.js'

/** Where a person finds the server. */
export function addressOf({ tls, host }: Config, port: number): string {
  const name = host === undefined || host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `${tls ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`
}
