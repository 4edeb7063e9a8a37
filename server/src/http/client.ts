import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
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

/** What a connection says of who asks; parsed once for all of its requests. */
interface Peer {
  readonly address: string
  readonly network: string
  readonly overTls: boolean
  readonly loopback: boolean
}

function readPeer(socket: Socket): Peer {
  const address = socket.remoteAddress ?? '0.0.0.0'
  return {
    address,
    network: networkOf(address),
    overTls: socket instanceof TLSSocket,
    loopback: isWithin(address, LOOPBACK),
  }
}

function networkOf(address: string): string {
  return ipKeyGenerator(address, IPV6_PREFIX_BITS)
}

export function createClientReader(proxies: TrustedProxies): (req: IncomingMessage) => Client {
  const peers = new WeakMap<Socket, Peer>()
  const trusts = (address: string, hop: number): boolean => {
    if (!proxies) return false
    return 'hops' in proxies ? hop < proxies.hops : isWithin(address, proxies.networks)
  }
  const peerOf = (socket: Socket): Peer => {
    const known = peers.get(socket)
    if (known) return known
    const peer = readPeer(socket)
    peers.set(socket, peer)
    return peer
  }
  return (req) => {
    const peer = peerOf(req.socket)
    const local = peer.loopback && !isForwarded(req)
    if (!proxies || req.socket.remoteAddress === undefined)
      return { address: peer.address, network: peer.network, secure: peer.overTls, local }
    const claimed = bare(proxyaddr(req, trusts))
    const address = isIP(claimed) ? claimed : peer.address
    const secure = peer.overTls || (trusts(peer.address, 0) && wasForwardedOverTls(req))
    return { address, network: networkOf(address), secure, local }
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
