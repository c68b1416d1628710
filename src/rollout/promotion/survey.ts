import { askPlace, type PlaceAnswer } from '../../catalog/index.ts';
import { type CatalogPlace, type ClusterFile, HOST_PATH } from '../../cluster.ts';
import { describeError, SeawallError } from '../../errors.ts';
import { type HostLink, runHelper } from '../../hosts/index.ts';
import { agentImagesOn } from '../../images/index.ts';
import { LABEL } from '../../labels.ts';
import { findClusterFile } from '../setup/find-cluster.ts';

/** A snapshot of the catalog as it lies on a host, checked there. */
export interface SnapshotView {
  /** File name in the folder of snapshots. */
  readonly name: string;
  /** Whole and of this cluster; what is not has no other figures. */
  readonly good: boolean;
  readonly epoch: number;
  readonly index: number;
  /** By the clock of the host it lies on. */
  readonly ageMs: number;
  readonly bytes: number;
  /** Project → highest release in it. */
  readonly releases: Readonly<Record<string, number>>;
}

/** What one reachable host knows of the catalog. */
export interface HostSurvey {
  readonly link: HostLink;
  /** Absent: the host is in no cluster. */
  readonly file?: ClusterFile;
  /** An agent image to run helpers with. */
  readonly image?: string;
  /** What its server says; absent: it does not answer. */
  readonly place?: PlaceAnswer;
  /** Newest first. */
  readonly snapshots: readonly SnapshotView[];
  /** Project → highest release that a container of it carries. */
  readonly running: Readonly<Record<string, number>>;
  /** Why its snapshots could not be looked at. */
  readonly problem?: string;
}

const ASK_TIMEOUT_MS = 3_000;

/** Reads `{ folder, cluster }`, prints the snapshots there as a JSON array. The format is `catalog/snapshot-file.ts`. */
const listScript = `
const fs = require('node:fs');
const { createHash } = require('node:crypto');
const { folder, cluster } = JSON.parse(fs.readFileSync(0, 'utf8'));
const bad = { good: false, epoch: 0, index: 0, ageMs: 0, bytes: 0, releases: {} };
function look(name) {
  const text = fs.readFileSync(folder + '/' + name, 'utf8');
  const cut = text.indexOf('\\n');
  const content = text.slice(cut + 1);
  let header;
  try { header = JSON.parse(text.slice(0, cut)); } catch { return { name, ...bad }; }
  const good = header.version === 1 && header.cluster === cluster &&
    header.sha256 === createHash('sha256').update(content).digest('hex');
  if (!good) return { name, ...bad };
  const releases = {};
  for (const line of content.split('\\n').slice(1)) {
    if (!line.includes('"seawall/releases/')) continue;
    const [, , project, number] = JSON.parse(line.slice(9)).id.split('/');
    releases[project] = Math.max(releases[project] ?? 0, Number(number));
  }
  const ageMs = Date.now() - Date.parse(header.takenAt);
  return { name, good, epoch: header.epoch, index: header.index, ageMs, bytes: text.length, releases };
}
const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((n) => n.endsWith('.snapshot')) : [];
console.log(JSON.stringify(names.sort().reverse().map(look)));
`;

/** Looks at every reached host; one that cannot tell is said to, and does not keep the others from it. */
export function surveyHosts(links: readonly HostLink[], signal: AbortSignal): Promise<readonly HostSurvey[]> {
  return Promise.all(links.map((link) => surveyHost(link, signal)));
}

async function surveyHost(link: HostLink, signal: AbortSignal): Promise<HostSurvey> {
  const { docker } = link;
  const [file, images, containers] = await Promise.all([
    findClusterFile(link, signal),
    agentImagesOn(docker, { signal }),
    docker.listContainers({ all: true, labels: [LABEL.project, LABEL.release], signal }),
  ]);
  const running: Record<string, number> = {};
  for (const { Labels } of containers) {
    const project = Labels[LABEL.project] ?? '';
    running[project] = Math.max(running[project] ?? 0, Number(Labels[LABEL.release] ?? 0));
  }
  const [image] = images;
  if (file === undefined || image === undefined) return { link, snapshots: [], running };
  const place = await placeOf(link, file.catalog, signal);
  const base = { link, file, image, running, ...(place === undefined ? {} : { place }) };
  try {
    return { ...base, snapshots: await listSnapshots(link, file.id, image, signal) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...base, snapshots: [], problem: describeError(error) };
  }
}

/** What the server of a host says of the catalog's place; undefined when it does not answer. */
export async function placeOf(
  link: Pick<HostLink, 'forwardTcp'>,
  { port, certificate, token }: CatalogPlace,
  signal: AbortSignal,
): Promise<PlaceAnswer | undefined> {
  const target = await link.forwardTcp(port);
  return askPlace({ target, certificate, token }, { timeoutMs: ASK_TIMEOUT_MS, signal });
}

async function listSnapshots(
  { docker }: HostLink,
  cluster: string,
  image: string,
  signal: AbortSignal,
): Promise<readonly SnapshotView[]> {
  const input = JSON.stringify({ folder: `/host${HOST_PATH.catalogSnapshots}`, cluster });
  const hostConfig = { Binds: ['/var/lib:/host/var/lib:ro'] };
  const said = await runHelper(docker, listScript, { image, signal, input, hostConfig });
  try {
    return JSON.parse(said) as SnapshotView[];
  } catch (cause) {
    throw new SeawallError('docker', `the list of snapshots cannot be read: ${said.slice(0, 200)}`, {
      cause,
    });
  }
}
