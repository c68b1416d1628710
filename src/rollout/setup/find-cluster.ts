import { type ClusterFile, HOST_PATH } from '../../cluster.ts';
import { type HostLink, parseClusterFile, readClusterFile, readHostFile } from '../../hosts/index.ts';
import { agentImagesOn } from '../../images/index.ts';

/** The cluster file of a host, also of one whose server is gone: a setup or a removal was cut short there. */
export async function findClusterFile(
  link: Pick<HostLink, 'docker' | 'name'>,
  signal: AbortSignal | undefined,
): Promise<ClusterFile | undefined> {
  const file = await readClusterFile(link, { signal });
  if (file !== undefined) return file;
  const [image] = await agentImagesOn(link.docker, { signal });
  if (image === undefined) return undefined;
  const text = await readHostFile(link.docker, HOST_PATH.clusterFile, { image, signal });
  return text === undefined ? undefined : parseClusterFile(text, link.name);
}
