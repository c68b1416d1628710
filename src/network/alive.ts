import { statfs } from 'node:fs/promises';
import { type CatalogClient, HeldKey } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { ClusterFile } from '../cluster.ts';
import type { Docker } from '../hosts/index.ts';
import { privateAddress } from '../ranges.ts';
import { reportOnce } from '../report-once.ts';
import { Wake } from '../wake.ts';
import { narrowerSize, widerSize } from './path-size.ts';
import type { Paths } from './paths.ts';
import { type LinkHealth, type ProbedPeer, probePeers } from './probe.ts';
import type { LinkState } from './watch.ts';

/** What an agent says of its host at `seawall/alive/HOST`, about every 30 seconds. */
export interface AliveRecord {
  /** Seawall's version. */
  readonly version: string;
  /** The host's clock when this was written, ISO; for people, never to be compared by code. */
  readonly clock: string;
  /** Docker's version. */
  readonly docker: string;
  /** Bytes of the largest packet in the private network; absent until the link is up. */
  readonly linkMtu?: number;
  /** By name of the other host: bytes of the largest packet that passes, where that is less than `linkMtu`. */
  readonly paths?: Readonly<Record<string, number>>;
  /** By name of the other host: what gets there and back. */
  readonly link: Readonly<Record<string, LinkHealth>>;
  /** Of the file system with Seawall's state. */
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number };
  /** What nginx holds besides its newest configuration; absent without an edge loop that has begun. */
  readonly edge?: EdgeBurden;
}

export interface EdgeBurden {
  readonly oldWorkers: number;
  readonly oldWorkerBytes: number;
  /** Client connections cut since the agent's start because there were too many old workers. */
  readonly cutSockets: number;
}

export interface AliveOptions {
  readonly cluster: ClusterFile;
  readonly client: ConstructorParameters<typeof HeldKey>[0] & Pick<CatalogClient, 'kvGet'>;
  readonly docker: Pick<Docker, 'version'>;
  readonly version: string;
  readonly stateFolder: string;
  /** Absent until the link is up. */
  readonly link: () => LinkState | undefined;
  /** Absent where no edge loop runs. */
  readonly edge?: () => EdgeBurden | undefined;
  /** Told of paths that carry less than the link. */
  readonly paths: Paths;
  /** Ends it. The key is left to its TTL, so that a quick restart is not seen. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Consul's shortest. A host counts as dead between one and two of these after its agent's last sign of life. */
const SESSION_TTL_MS = 10_000;
const INTERVAL_MS = 30_000;
/** Between two looks whether there is something to say. */
const STEP_MS = 1_000;

/**
 * Says in the catalog that this host is alive, and how it does: every 30 seconds, at once when a peer is new, and sooner
 * while a peer does not answer. @returns once the signal is aborted; never rejects.
 */
export async function watchAlive(options: AliveOptions): Promise<void> {
  const { cluster, client, signal, log, link } = options;
  const onError = reportOnce((text) => log(`warn alive: ${text}`)).report;
  const key = KEY.alive(cluster.host.name);
  const held = new HeldKey(client, { key, ttlMs: SESSION_TTL_MS, behavior: 'delete', onError });
  const wake = new Wake();
  let health: Readonly<Record<string, LinkHealth>> = {};
  let probed = '';
  let unwell = 0;
  let nextAt = 0;
  while (!signal.aborted) {
    const state = link();
    const peers = JSON.stringify(state) ?? 'none';
    try {
      if (peers !== probed || performance.now() >= nextAt) {
        // The first sign of life must not wait for probes of peers that may be dead.
        if (probed === '') held.put(JSON.stringify(await describeHost(options, health)));
        if (state !== undefined) health = await probe(options, state);
        held.put(JSON.stringify(await describeHost(options, health)));
        unwell = Object.values(health).every((one) => one === 'ok') ? 0 : unwell + 1;
        probed = peers;
        nextAt = performance.now() + (unwell === 0 ? INTERVAL_MS : Math.min(INTERVAL_MS, 500 * 2 ** unwell));
      }
    } catch (error) {
      onError(error);
      nextAt = performance.now() + STEP_MS;
    }
    await wake.wait(STEP_MS, signal);
  }
  await held.close({ leave: true });
}

/**
 * Probes the peers. Where only small packets pass, the path's size is looked for and the route takes it: a packet that
 * is dropped on the way without a word would leave connections hanging. Where more passes again, the route takes that.
 */
async function probe(
  options: AliveOptions,
  { linkMtu, peers }: LinkState,
): Promise<Record<string, LinkHealth>> {
  const { range, host } = options.cluster;
  const address = host.privateAddress;
  const places = peers.map((peer) => ({
    peer,
    ...{ name: peer.name, privateAddress: privateAddress(range, peer.number), mtu: peer.mtu ?? linkMtu },
  }));
  const health = await probePeers({ address, peers: places });
  await Promise.all(
    places.map((place) => learn(options, { place, linkMtu, health: health[place.name] ?? 'no answer' })),
  );
  return health;
}

interface Place extends ProbedPeer {
  readonly peer: LinkState['peers'][number];
}

async function learn(
  { cluster, paths, log, signal }: AliveOptions,
  {
    place,
    linkMtu,
    health,
  }: { readonly place: Place; readonly linkMtu: number; readonly health: LinkHealth },
): Promise<void> {
  const { peer, mtu } = place;
  const options = { address: cluster.host.privateAddress, peer: place, signal };
  if (health === 'small only') {
    const bytes = await narrowerSize(options);
    if (bytes === undefined) return;
    log(`warn link: the path to ${peer.name} carries packets of ${bytes} bytes, not of ${mtu}`);
    paths.set(peer, bytes);
  } else if (health === 'ok' && peer.mtu !== undefined) {
    const bytes = mtu > linkMtu ? linkMtu : await widerSize({ ...options, linkMtu });
    if (bytes === undefined) return;
    log(`info link: the path to ${peer.name} carries packets of ${bytes} bytes again, not only of ${mtu}`);
    if (bytes === linkMtu) paths.forget(peer);
    else paths.set(peer, bytes);
  }
}

async function describeHost(options: AliveOptions, link: AliveRecord['link']): Promise<AliveRecord> {
  const { docker, version, stateFolder, signal } = options;
  // A container's root answers for the disk on which Docker keeps its images, often not the one of the state.
  const [engine, ...disks] = await Promise.all([
    docker.version({ signal }),
    statfs(stateFolder),
    statfs('/'),
  ]);
  const [own, images] = disks;
  const disk = images.bavail * images.bsize < own.bavail * own.bsize ? images : own;
  const state = options.link();
  const edge = options.edge?.();
  return {
    version,
    clock: new Date().toISOString(),
    docker: engine.Version,
    ...(state === undefined ? {} : { linkMtu: state.linkMtu }),
    ...narrowPaths(state),
    link,
    disk: { totalBytes: disk.blocks * disk.bsize, freeBytes: disk.bavail * disk.bsize },
    ...(edge === undefined ? {} : { edge: burdenOf(edge) }),
  };
}

const burdenOf = ({ oldWorkers, oldWorkerBytes, cutSockets }: EdgeBurden): EdgeBurden => ({
  ...{ oldWorkers, oldWorkerBytes, cutSockets },
});

function narrowPaths(state: LinkState | undefined): Pick<AliveRecord, 'paths'> {
  const narrow = (state?.peers ?? []).flatMap(({ name, mtu }) =>
    mtu === undefined ? [] : [[name, mtu] as const],
  );
  return narrow.length === 0 ? {} : { paths: Object.fromEntries(narrow) };
}
