/** Addresses and networks of conditions: `203.0.113.0/24`, `2001:db8::/32`. */
import { BlockList, isIP } from 'node:net';

export interface Network {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly bits: number;
}

/** Undefined when the text is neither an address nor a network in CIDR notation. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = address.length > 64 ? 0 : isIP(address);
  if (version === 0) return undefined;
  const bitsMax = version === 4 ? 32 : 128;
  if (slash >= 0 && !/^\d{1,3}$/.test(text.slice(slash + 1))) return undefined;
  const bits = slash < 0 ? bitsMax : Number(text.slice(slash + 1));
  if (bits > bitsMax) return undefined;
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', bits };
}

/** Whether an address, as a socket names it, lies within the network. */
export function addressWithin(address: string, text: string): boolean {
  const network = parseNetwork(text);
  // A socket that takes both families names an IPv4 peer `::ffff:192.0.2.1`.
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  const version = isIP(plain);
  if (network === undefined || version === 0) return false;
  const list = new BlockList();
  list.addSubnet(network.address, network.bits, network.family);
  return list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}
