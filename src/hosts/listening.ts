import { OWN } from '../cluster.ts';
import type { Docker } from './docker.ts';

/** State of a listening socket in /proc/net/tcp (Linux include/net/tcp_states.h). */
const LISTEN = '0A';

/** TCP ports that something on the host listens on, whatever the address. Asked through the agent, which sees the host's network. */
export async function listeningPorts(
  docker: Pick<Docker, 'exec'>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ReadonlySet<number>> {
  const { stdout } = await docker.exec(OWN.agent, ['cat', '/proc/net/tcp', '/proc/net/tcp6'], options);
  return parseListening(stdout.toString());
}

/** Pure: the ports of listening sockets in the text of /proc/net/tcp and tcp6. */
export function parseListening(text: string): ReadonlySet<number> {
  const ports = text.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    return state === LISTEN && !Number.isNaN(port) ? [port] : [];
  });
  return new Set(ports);
}
