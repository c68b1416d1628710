import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { retryDelayMs } from '../retry.ts';
import { Wake } from '../wake.ts';

/** Calls until it does not throw: the private address appears with the link, a former process may still hold the port. */
export async function retryUntilBound<T>(
  attempt: () => Promise<T>,
  options: { readonly signal: AbortSignal; readonly onError: (error: unknown) => void },
): Promise<T | undefined> {
  for (let failures = 1; !options.signal.aborted; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      options.onError(error);
      await new Wake().wait(retryDelayMs(failures, 1_000), options.signal);
    }
  }
  return undefined;
}

/** Throws when the address is not there or taken. */
export async function bindUdp(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Throws when the address is not there or taken. */
export async function listenTcp(
  address: string,
  port: number,
  serve: (socket: TcpSocket) => void,
): Promise<Server> {
  const server = createServer(serve);
  server.listen({ host: address, port, exclusive: true });
  await once(server, 'listening');
  return server;
}
