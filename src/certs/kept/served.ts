import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ContainerSummary, Docker } from '../../hosts/index.ts';
import { LABEL } from '../../labels.ts';

/** For one handshake. */
const PATIENCE_MS = 3_000;

/**
 * Which replicas on this host serve with another certificate than the one in their folder: a program that was told nothing, or did not
 * listen. Only those are asked that a route leads to, at its port; one that gives no handshake is the health check's business.
 * @param fingerprint of the leaf in the folder. @returns names of containers.
 */
export async function staleReplicas(
  id: string,
  fingerprint: string,
  docker: Pick<Docker, 'listContainers'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await docker.listContainers({ labels: [`${LABEL.certificate}=${id}`], signal });
  const asked = found.map(async (container) => {
    const shown = await shownBy(container, signal);
    return shown === undefined || shown === fingerprint ? [] : [nameOf(container)];
  });
  return (await Promise.all(asked)).flat().sort();
}

const nameOf = ({ Id, Names: [name = Id] }: ContainerSummary): string => name.replace(/^\//, '');

/** First 32 hexadecimal digits of the leaf's SHA-256; undefined: there is no handshake. */
async function shownBy(container: ContainerSummary, signal: AbortSignal): Promise<string | undefined> {
  const port = Number(container.Labels[LABEL.port]);
  const networks = Object.values(container.NetworkSettings?.Networks ?? {});
  const host = networks
    .map(({ IPAddress }) => IPAddress)
    .find((address) => address !== undefined && address !== '');
  if (host === undefined || !(port > 0)) return undefined;
  // Who it is stands in the certificate, which is all that is looked at: nothing is sent.
  const socket = connect({ host, port, rejectUnauthorized: false });
  try {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    await once(socket, 'secureConnect', { signal: ends });
    return socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase();
  } catch {
    return undefined;
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}
