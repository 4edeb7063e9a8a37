import ipaddr from 'ipaddr.js'

export type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number]

function parseNetwork(text: string): Network | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * Addresses and CIDR networks out of a comma-separated list.
 *
 * @returns undefined where an entry is neither, or there is none
 */
export function parseNetworks(list: string): Network[] | undefined {
  const parsed = list
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map(parseNetwork)
  const networks = parsed.filter((network) => network !== undefined)
  return networks.length > 0 && networks.length === parsed.length ? networks : undefined
}

/** Whether an address lies in one of the networks. IPv4 inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export function isWithin(address: string, networks: readonly Network[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits))
}

/** 127.0.0.0/8 and ::1. */
export const LOOPBACK: readonly Network[] = parseNetworks('127.0.0.0/8,::1') ?? []
