import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Tries whether this machine can listen on IPv6 at all; kernels without it make nginx refuse `listen [::]`. */
export function canListenOnIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '::', port: 0, ipv6Only: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Does this machine have all of the addresses at the moment? nginx cannot proxy from one that is not there. Tried rather than looked up:
 * the list that Node has lacks interfaces without a carrier, such as a bridge that nothing is plugged into, and their addresses serve.
 */
export async function hasAddresses(addresses: readonly string[]): Promise<boolean> {
  return (await Promise.all(addresses.map(hasAddress))).every((isThere) => isThere);
}

function hasAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (isThere: boolean) => socket.close(() => resolve(isThere));
    socket.once('error', () => end(false));
    socket.bind({ address, port: 0, exclusive: true }, () => end(true));
  });
}
