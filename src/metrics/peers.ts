import { BlockList, isIPv6 } from 'node:net';

/** Says who may ask: this machine over loopback, and the addresses and ranges of `from`. */
export function allowedPeers(from: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8);
  list.addAddress('::1', 'ipv6');
  for (const range of from) {
    const [address = '', length] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return (address) => {
    if (address === undefined) return false;
    // A socket for both families shows IPv4 peers as ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}
