import { contentOfKeys, type ReleaseFile } from '../../catalog/index.ts';
import { KEY, type SubnetRecord } from '../../catalog/record.ts';
import { type ClusterFile, type ClusterHost, HOST_PATH, OWN } from '../../cluster.ts';
import type { DesiredCertificate } from '../../compose/desired.ts';
import { describeError, SeawallError } from '../../errors.ts';
import { type HostLink, readHostFile } from '../../hosts/index.ts';
import { LABEL } from '../../labels.ts';
import { packValue } from '../../packed.ts';
import { canonicalJson } from '../../plan/index.ts';
import { sealWish } from '../certificates/index.ts';
import { lastGood, openRelease } from '../release.ts';
import { certificateLosses, type EdgeMemory, edgeMemory } from './certificate-losses.ts';

/** A host that is asked what it has. */
interface Source {
  readonly link: HostLink;
  readonly file: ClusterFile;
  readonly image: string;
}

/** What a host has of what the catalog held. */
interface Remains {
  readonly host: string;
  readonly releases: ReleaseFile;
  /** Block → network, from Docker's networks. */
  readonly networks: readonly {
    readonly block: string;
    readonly project: string;
    readonly network: string;
  }[];
  readonly volumes: readonly { readonly project: string; readonly name: string }[];
  /** As the host last read them from the catalog. */
  readonly subnets: readonly SubnetRecord[];
  readonly edge: EdgeMemory;
}

export interface Rebuilt {
  /** As the catalog's snapshot file holds it. Without {@link KEY.cluster}: until that is there edges go on as before. */
  readonly content: string;
  readonly lastNumber: number;
  /** What could not be rebuilt, as sentences. */
  readonly missing: readonly string[];
}

/**
 * Puts a catalog together from what the hosts have themselves: cluster files, releases that the agents kept, Docker's networks and
 * volumes with their labels. Services and signs of life come back by themselves.
 */
export async function rebuildContent(sources: readonly Source[], signal: AbortSignal): Promise<Rebuilt> {
  const remains = await Promise.all(sources.map((source) => remainsOn(source, signal)));
  const files = sources.map(({ file }) => file);
  const hosts = new Map(files.flatMap((file) => [...file.hosts, file.host]).map((each) => [each.name, each]));
  const releases = mergeReleases(remains);
  const [cluster] = files;
  if (cluster === undefined) throw new SeawallError('bug', 'nothing to rebuild a catalog from');
  const { keys: perProject, missing, wished } = projectKeys(cluster, releases);
  const losses = certificateLosses({ wished, edges: remains.map(({ edge }) => edge) });
  const keys = {
    ...Object.fromEntries([...hosts.values()].map((host) => [KEY.host(host.name), JSON.stringify(host)])),
    ...subnetKeys([...hosts.values()], remains),
    ...Object.fromEntries(
      remains.flatMap(({ host, volumes }) =>
        volumes.map(({ project, name }) => [KEY.volume(project, name), JSON.stringify({ host })]),
      ),
    ),
    ...perProject,
  };
  const lastNumber = Math.max(...[...hosts.values()].map(({ number }) => number));
  return {
    content: contentOfKeys(keys),
    lastNumber,
    missing: [...losses, ...missing, ...unknownProjects(remains, releases)],
  };
}

async function remainsOn({ link, image }: Source, signal: AbortSignal): Promise<Remains> {
  const { docker, name } = link;
  const [releases, network, edge, networks, volumes] = await Promise.all([
    readHostFile(docker, HOST_PATH.releases, { image, signal }),
    readHostFile(docker, `${HOST_PATH.agentState}/network.json`, { image, signal }),
    readHostFile(docker, `${HOST_PATH.agentState}/edge.json`, { image, signal }),
    docker.listNetworks({ filters: { label: [LABEL.network] }, signal }),
    docker.listVolumes({ filters: { label: [LABEL.project] }, signal }),
  ]);
  return {
    host: name,
    releases: parse<ReleaseFile>(releases) ?? {},
    edge: edgeMemory(parse(edge)),
    subnets: parse<{ subnets?: readonly SubnetRecord[] }>(network)?.subnets ?? [],
    networks: networks.flatMap(({ Labels, Options }) => {
      const bridge = Options?.['com.docker.network.bridge.name'] ?? '';
      const { [LABEL.project]: project, [LABEL.network]: own } = Labels ?? {};
      if (!bridge.startsWith(OWN.bridgePrefix) || project === undefined || own === undefined) return [];
      return [{ block: bridge.slice(OWN.bridgePrefix.length), project, network: own }];
    }),
    volumes: volumes.map(({ Name, Labels }) => ({ project: Labels?.[LABEL.project] ?? '', name: Name })),
  };
}

function parse<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    // Damaged: another host has it too, or it is said to be missing.
    return undefined;
  }
}

/** Of each release the word of the host that knows most of its end. */
function mergeReleases(remains: readonly Remains[]): ReleaseFile {
  const merged = new Map<string, Map<number, ReleaseFile[string][number]>>();
  for (const [project, list] of remains.flatMap(({ releases }) => Object.entries(releases))) {
    const known = merged.get(project) ?? new Map();
    merged.set(project, known);
    for (const record of list) {
      if (known.get(record.number)?.endedAt === undefined) known.set(record.number, record);
    }
  }
  return Object.fromEntries(
    [...merged].map(([project, known]) => [project, [...known.values()].sort((a, b) => a.number - b.number)]),
  );
}

/** Releases, and the routes and certificates of the one in force. */
function projectKeys(cluster: ClusterFile, releases: ReleaseFile) {
  const keys: Record<string, string> = {};
  const missing: string[] = [];
  const wished: Record<string, readonly DesiredCertificate[]> = {};
  for (const [project, list] of Object.entries(releases)) {
    for (const record of list) keys[KEY.release(project, record.number)] = JSON.stringify(record);
    const good = lastGood(list);
    try {
      if (good === undefined) continue;
      const { routes, certificates = [], certificateSecrets = {} } = openRelease(cluster, good);
      if (certificates.length > 0) {
        const wishes = certificates.map((each) => sealWish(cluster, each, certificateSecrets, []));
        keys[KEY.wish(project)] = packValue(canonicalJson(wishes));
        wished[project] = certificates;
      }
      if (routes.length > 0)
        keys[KEY.route(project)] = packValue(
          canonicalJson(routes.map(({ service: _service, ...route }) => ({ ...route, project }))),
        );
    } catch (error) {
      missing.push(`routes of ${project}: ${describeError(error)}`);
    }
  }
  return { keys, missing, wished };
}

function subnetKeys(hosts: readonly ClusterHost[], remains: readonly Remains[]): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const { name } of hosts) {
    const own = remains.find(({ host }) => host === name);
    // The host's own word before that of others.
    const read = [own, ...remains].flatMap(
      (each) => each?.subnets.filter(({ host }) => host === name) ?? [],
    )[0];
    const blocks: Record<string, SubnetRecord['blocks'][string]> = { ...read?.blocks };
    for (const { block, project, network } of own?.networks ?? []) {
      const known = blocks[block];
      const internal = known?.project === project && known.network === network && known.internal;
      blocks[block] = { project, network, internal };
    }
    if (Object.keys(blocks).length > 0) keys[KEY.subnet(name)] = JSON.stringify({ host: name, blocks });
  }
  return keys;
}

function unknownProjects(remains: readonly Remains[], releases: ReleaseFile): string[] {
  const projects = new Set(remains.flatMap(({ networks }) => networks.map(({ project }) => project)));
  return [...projects]
    .filter((project) => releases[project] === undefined)
    .map((project) => `releases of ${project}: deploy it again, before that it cannot be rolled back`)
    .sort();
}
