import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Tries whether this machine can listen on IPv6 at all; kernels without it make nginx refuse `listen [::]`. */
export function canListenOnIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '::', port: 0, ipv6Only: true }, () => server.close(() => resolve(true)));
  });
}

/** Does this machine have all of the addresses at the moment? nginx cannot proxy from one that is not there. */
export function hasAddresses(addresses: readonly string[]): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  return addresses.every((address) => address.startsWith('127.') || own.includes(address));
}
