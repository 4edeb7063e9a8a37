import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import { ipKeyGenerator } from 'express-rate-limit'
import proxyaddr from 'proxy-addr'
import { isWithin, LOOPBACK, type Network } from '../networks.js'

/** Proxies whose word about the client counts: so many in front, or those in named networks. */
export type TrustedProxies = { readonly hops: number } | { readonly networks: readonly Network[] } | undefined

/** What is known of who asks, behind the proxies that are trusted and no others. */
export interface Client {
  readonly address: string
  /** As limits count it: IPv4, or the /56 that a household or a host gets of IPv6. */
  readonly network: string
  /** It came over TLS, to here or to a trusted proxy. */
  readonly secure: boolean
  /** From this machine itself, not forwarded by anything. */
  readonly local: boolean
}

const IPV6_PREFIX_BITS = 56

export function createClientReader(proxies: TrustedProxies): (req: IncomingMessage) => Client {
  const trusts = (address: string, hop: number): boolean => {
    if (!proxies) return false
    return 'hops' in proxies ? hop < proxies.hops : isWithin(address, proxies.networks)
  }
  return (req) => {
    const peer = req.socket.remoteAddress ?? '0.0.0.0'
    const claimed = proxies && req.socket.remoteAddress !== undefined ? bare(proxyaddr(req, trusts)) : peer
    const address = isIP(claimed) ? claimed : peer
    return {
      address,
      network: ipKeyGenerator(address, IPV6_PREFIX_BITS),
      secure: req.socket instanceof TLSSocket || (trusts(peer, 0) && wasForwardedOverTls(req)),
      local: isWithin(peer, LOOPBACK) && !isForwarded(req),
    }
  }
}

/** Without a port, which some proxies write, and without a zone, which names an interface of their own machine. */
function bare(address: string): string {
  const [, ipv4, ipv6] = /^(?:(\d+(?:\.\d+){3}):\d+|\[([^\]]+)\](?::\d+)?)$/.exec(address) ?? []
  return (ipv4 ?? ipv6 ?? address).replace(/%.*$/, '')
}

// Proxies replace this header or add to it; where they added, every hop must have been TLS, so that a value which
// the client itself sent cannot stand for a hop that was not.
function wasForwardedOverTls(req: IncomingMessage): boolean {
  const header = req.headers['x-forwarded-proto']
  const hops = String(header ?? '').split(',')
  return hops.every((hop) => hop.trim().toLowerCase() === 'https')
}

function isForwarded(req: IncomingMessage): boolean {
  return req.headers['x-forwarded-for'] !== undefined || req.headers.forwarded !== undefined
}
