import { type Docker, isConflict, isNotFound } from '../../hosts/index.ts';
import type { KeptCertificate } from '../../kept-certificate.ts';
import { LABEL } from '../../labels.ts';

/** Docker's own default between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;

/**
 * Tells the programs that read a folder that its files are new. A container that does not run reads them when it starts.
 * @returns names of the containers that got the signal.
 */
export async function tellReaders(
  { id, reload }: Pick<KeptCertificate, 'id' | 'reload'>,
  docker: Pick<Docker, 'listContainers' | 'killContainer' | 'restartContainer'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (reload === undefined) return [];
  const { container, signal: unixSignal } = reload;
  const names = container === undefined ? await readersOf(id, docker, signal) : [container];
  const told: string[] = [];
  for (const name of names) {
    try {
      if (unixSignal === 'restart') await docker.restartContainer(name, GRACE_MS, { signal });
      else await docker.killContainer(name, unixSignal, { signal });
      told.push(name);
    } catch (error) {
      // Conflict: it does not run.
      if (!isConflict(error) && !(isNotFound(error) && container === undefined)) throw error;
    }
  }
  return told;
}

async function readersOf(
  id: string,
  docker: Pick<Docker, 'listContainers'>,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await docker.listContainers({ labels: [`${LABEL.certificate}=${id}`], signal });
  return found.map(({ Id, Names: [name = Id] }) => name.replace(/^\//, ''));
}
