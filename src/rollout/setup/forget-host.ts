import { type CatalogClient, type CertificateWish, parseEntry, updateRecord } from '../../catalog/index.ts';
import { type HostRecord, KEY } from '../../catalog/record.ts';
import { MANUAL } from '../../catalog/tls-record.ts';
import { type ClusterFile, HOST_PATH } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { type HostLink, writeHostFiles } from '../../hosts/index.ts';
import { agentImagesOn } from '../../images/index.ts';
import { hostOfCertificate } from '../../kept-certificate.ts';
import { reportStep } from '../../progress.ts';
import { openCatalog } from '../session.ts';
import { findClusterFile } from './find-cluster.ts';
import type { RemovalView, RemoveHostOptions } from './removal.ts';

/** What stands under {@link KEY.cluster}. */
export interface ClusterNote {
  readonly id?: string;
  /** Highest number that a host which left has had: no number is given twice. */
  readonly lastNumber?: number;
}

/** What is known of the cluster that goes on without the host. */
interface Rest {
  /** Reached hosts of the cluster, each with its file. */
  readonly stay: readonly { readonly link: HostLink; readonly file: ClusterFile }[];
  readonly hosts: readonly HostRecord[];
}

/**
 * Takes a host out of the catalog, on which the other hosts cut their links to it, and out of their files. Its number, and
 * with it its addresses, is never given again: should it come back, nobody listens to it and it takes nobody's place.
 */
export async function forgetHost(
  client: CatalogClient,
  name: string,
  { stay, hosts }: Rest,
  signal: AbortSignal,
): Promise<void> {
  await updateRecord<ClusterNote>(
    client,
    KEY.cluster,
    (present) => ({
      ...present,
      lastNumber: Math.max(present?.lastNumber ?? 0, ...hosts.map(({ number }) => number)),
    }),
    { signal },
  );
  await client.deregister({ node: name }, { signal });
  await updateRecord<readonly CertificateWish[]>(
    client,
    KEY.wish(MANUAL),
    (present) => present?.filter(({ id }) => hostOfCertificate(id) !== name),
    { signal },
  );
  const keys = [
    KEY.alive,
    KEY.edgeAck,
    KEY.namesAck,
    KEY.keptAck,
    KEY.subnet,
    KEY.quarantine,
    KEY.fence,
    KEY.host,
  ];
  for (const key of keys) await client.kvDelete(key(name), { signal });
  await Promise.all(
    stay.map(async ({ link: other, file }) => {
      const left = { ...file, hosts: file.hosts.filter((each) => each.name !== name) };
      const content = `${JSON.stringify(left, undefined, 2)}\n`;
      const [image] = await agentImagesOn(other.docker, { signal });
      if (image === undefined) return;
      const files = [{ path: HOST_PATH.clusterFile, content, mode: 0o600 }];
      await writeHostFiles(other.docker, { files }, { image, signal });
    }),
  );
}

/** Forgets a host that is dead for good. Nothing is moved: the next deploy starts what ran there on the others. */
export async function forgetGone(
  links: readonly HostLink[],
  options: RemoveHostOptions,
): Promise<RemovalView> {
  const { host, signal, report } = options;
  const found = await Promise.all(
    links.map(async (link) => ({ link, file: await findClusterFile(link, signal) })),
  );
  const stay = found.flatMap(({ link, file }) => (file === undefined ? [] : [{ link, file }]));
  const cluster = stay[0]?.file;
  if (cluster === undefined) {
    throw new SeawallError('unreachable', 'no host of its cluster answers', { where: host });
  }
  if (cluster.catalog.host === host) {
    throw new SeawallError('refused', 'it keeps the catalog: another host has to have it first', {
      where: host,
      hint: 'seawall catalog promote HOST, then this again',
    });
  }
  const client = await openCatalog(cluster, links);
  try {
    await refuseAlive(client, host, signal);
    const { value } = await client.kvList(KEY.hosts, { signal });
    const hosts = value.map((entry) => parseEntry<HostRecord>(entry));
    const view = await viewGone(client, cluster, hosts, options);
    if (!(await options.confirm(view))) throw new SeawallError('interrupted', 'nothing was changed');
    await reportStep(report, { id: `forget ${host}`, title: `forget ${host}` }, () =>
      forgetHost(client, host, { stay, hosts }, signal),
    );
    return view;
  } finally {
    client.close();
  }
}

async function viewGone(
  client: CatalogClient,
  cluster: ClusterFile,
  hosts: readonly HostRecord[],
  { host, signal }: RemoveHostOptions,
): Promise<RemovalView> {
  const [volumes, services] = await Promise.all([
    client.kvList(KEY.allVolumes, { signal }),
    client.nodeServices(host, { signal }),
  ]);
  const lost = volumes.value
    .filter((entry) => parseEntry<{ host: string }>(entry).host === host)
    .map(({ key }) => key.slice(key.lastIndexOf('/') + 1));
  return {
    ...{ host, cluster: cluster.id, isGone: true, moves: [], networks: [], images: [], containers: [] },
    others: hosts.map(({ name }) => name).filter((name) => name !== host),
    isEdge: hosts.some(({ name, roles }) => name === host && roles.includes('edge')),
    volumes: lost.sort(),
    services: [...new Set(services.value.map(({ name }) => name))].sort(),
  };
}

/** Its agent lives: it is cut off from here alone, and serves. */
async function refuseAlive(client: CatalogClient, host: string, signal: AbortSignal): Promise<void> {
  const { value } = await client.kvGet(KEY.alive(host), { signal });
  if (value === undefined) return;
  throw new SeawallError('refused', 'its agent shows that it lives, so it is not gone', {
    where: host,
    hint: 'Look why it cannot be reached from here. If it was switched off just now, wait half a minute.',
  });
}

export const notGone = (host: string): SeawallError =>
  new SeawallError('refused', 'it answers, so it is not gone', {
    where: host,
    hint: `Take it out in order: seawall machine rm ${host}`,
  });
