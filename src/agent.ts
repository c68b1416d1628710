import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import packageJson from '../package.json' with { type: 'json' };
import { serveCatalogPart } from './agent-catalog.ts';
import { OWN_FOLDERS } from './agent-container.ts';
import { writeHealth } from './agent-health.ts';
import { logLine, superviseLoop } from './agent-loops.ts';
import { connectionTo, PlaceWatch } from './agent-place.ts';
import { CatalogClient, keepSnapshots } from './catalog/index.ts';
import type { Instance } from './catalog/record.ts';
import {
  AcmeClient,
  DEFAULT_LIMITS,
  keptHands,
  lookFromHere,
  readNextUpdate,
  watchCertificates,
  watchKept,
} from './certs/index.ts';
import { type ClusterFile, epochOf, HOST_PATH } from './cluster.ts';
import { EdgeLoop } from './edge/index.ts';
import { describeError, SeawallError } from './errors.ts';
import { Docker } from './hosts/index.ts';
import { runImageOrder } from './images/index.ts';
import { watchMetrics } from './metrics/index.ts';
import {
  type LinkState,
  Paths,
  runLinkProgram,
  serveEcho,
  watchAlive,
  watchNames,
  watchNetwork,
} from './network/index.ts';
import { watchRegistrar } from './registrar/index.ts';

/** What the parts of one program share. */
interface Program {
  readonly cluster: ClusterFile;
  readonly client: CatalogClient;
  readonly place: PlaceWatch;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** What is wrong at the moment, by part; empty text: nothing. */
  readonly problems: Map<string, string>;
}

const DOCKER_SOCKET = '/var/run/docker.sock';
const HEALTH_INTERVAL_MS = 5_000;
/** The catalog, rules and link should be looked at far more often. */
const STALE_NETWORK_MS = 120_000;
const STOP_MS = 5_000;
/** What needs the catalog does not wait longer for the link. */
const FIRST_LINK_MS = 10_000;

/** Registrar, private network and host rules, sign of life, edge loop: all that needs Docker. */
async function runAgent(program: Program): Promise<void> {
  const { cluster, client, signal, log, problems } = program;
  const { host } = cluster;
  const docker = new Docker(DOCKER_SOCKET, host.name);
  const loops = { signal, log };
  let link: LinkState | undefined;
  let edgeLoop: EdgeLoop | undefined;
  const paths = new Paths();
  let appliedAt = performance.now();
  const isUp = Promise.withResolvers<void>();
  const stateFolder = OWN_FOLDERS.agent;
  const network = () =>
    watchNetwork({
      cluster,
      client,
      docker,
      stateFolder,
      paths,
      signal,
      log,
      onApplied: (state) => {
        link = state;
        appliedAt = performance.now();
        isUp.resolve();
      },
    });
  const alive = () =>
    watchAlive({
      cluster,
      client,
      docker,
      version: packageJson.version,
      stateFolder,
      link: () => link,
      edge: () => edgeLoop?.status,
      paths,
      signal,
      log,
    });
  const edge = () => {
    edgeLoop = new EdgeLoop({
      client,
      docker,
      host,
      httpPort: cluster.httpPort,
      clusterKey: cluster.key,
      ...(cluster.edge === undefined ? {} : { rules: cluster.edge }),
      signal,
      log,
    });
    return edgeLoop.run();
  };
  const snapshots = () =>
    keepSnapshots({
      client,
      folder: HOST_PATH.catalogSnapshots,
      releasesPath: HOST_PATH.releases,
      cluster: cluster.id,
      epoch: () => epochOf(program.place.place),
      signal,
      log,
    });
  const kept = () =>
    watchKept({ cluster, client, stateFolder, hands: keptHands(docker, signal), signal, log });
  const isEdge = host.roles.includes('edge');
  const look = async () => {
    const isStale = performance.now() - appliedAt > STALE_NETWORK_MS;
    problems.set('network', isStale ? 'host rules and link were not confirmed for 2 minutes' : '');
  };
  const place = superviseLoop('place', () => program.place.run(), loops);
  const networking = superviseLoop('network', network, loops);
  // The catalog is behind the link; without one this host's own part still has to go on.
  await Promise.race([isUp.promise, sleep(FIRST_LINK_MS, undefined, { signal }).catch(() => undefined)]);
  await Promise.all([
    networking,
    place,
    superviseLoop('snapshots', snapshots, loops),
    superviseLoop('kept certificates', kept, loops),
    superviseLoop('alive', alive, loops),
    superviseLoop('registrar', () => watchRegistrar({ client, docker, host, signal, log }), loops),
    ...(isEdge ? [superviseLoop('edge', edge, loops)] : []),
    superviseLoop('health', () => reportHealth(program, look), loops),
    superviseLoop('docker', () => watchDocker(docker, program), loops),
  ]);
}

/**
 * Names, the other end of link probes, on one host the catalog, elsewhere its place, on edges the certificates, metrics
 * where they are asked for: nothing of it may touch Docker.
 */
async function runServer(program: Program): Promise<void> {
  const { cluster, client, signal, log, problems } = program;
  const loops = { signal, log };
  const { host, range } = cluster;
  problems.set('names', 'the resolver does not listen yet');
  let services: ReadonlyMap<string, readonly Instance[]> | undefined;
  const names = () =>
    watchNames({
      cluster,
      client,
      stateFolder: OWN_FOLDERS.server,
      agentState: OWN_FOLDERS.agent,
      signal,
      log,
      onState: ({ isListening }) =>
        problems.set('names', isListening ? '' : 'the resolver does not listen yet'),
      onServices: (known) => {
        services = known;
      },
    });
  const version = packageJson.version;
  const onState = (problem: string) => problems.set('catalog', problem);
  const catalog = () => serveCatalogPart({ cluster, place: program.place, version, signal, log, onState });
  const userAgent = `seawall/${version}`;
  const certificates = () =>
    watchCertificates({
      ...{ cluster, client, signal, log, limits: DEFAULT_LIMITS },
      chance: { now: Date.now, random: Math.random },
      connect: (account) => new AcmeClient({ ...account, userAgent }),
      look: lookFromHere(),
    });
  const metrics = () =>
    watchMetrics({
      ...{ cluster, client, version, problems, readNextUpdate, signal, log },
      snapshots: HOST_PATH.catalogSnapshots,
      instances: () => services && [...services.values()].flat(),
      place: () => ({ host: program.place.place.host, epoch: epochOf(program.place.place) }),
    });
  await Promise.all([
    superviseLoop('place', () => program.place.run(), loops),
    superviseLoop('names', names, loops),
    ...(cluster.metrics === undefined ? [] : [superviseLoop('metrics', metrics, loops)]),
    ...(host.roles.includes('edge') ? [superviseLoop('certs', certificates, loops)] : []),
    superviseLoop('echo', () => serveEcho({ address: host.privateAddress, range, signal, log }), loops),
    superviseLoop('catalog', catalog, loops),
    superviseLoop('health', () => reportHealth(program, async () => undefined), loops),
  ]);
}

async function reportHealth(
  { signal, problems }: Pick<Program, 'signal' | 'problems'>,
  look: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await look();
    await writeHealth(
      [...problems].filter(([, text]) => text !== '').map(([part, text]) => `${part}: ${text}`),
    );
    await sleep(HEALTH_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * A dockerd that was started again while containers ran on has a new socket file, which this container does not
 * see: only a restart mounts it again, and Docker does that.
 */
async function watchDocker(docker: Docker, { signal, log }: Program): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await docker.ping({ signal });
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 6 && !signal.aborted) {
        log(`error docker: no answer for a minute (${describeError(error)}); this program ends`);
        process.exit(1);
      }
    }
    await sleep(10_000, undefined, { signal }).catch(() => undefined);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function readClusterFile(): Promise<ClusterFile> {
  try {
    return JSON.parse(await readFile(HOST_PATH.clusterFile, 'utf8')) as ClusterFile;
  } catch (cause) {
    throw new SeawallError('refused', `${HOST_PATH.clusterFile} cannot be read`, {
      hint: 'Run `seawall machine setup` for this host.',
      cause,
    });
  }
}

/** WireGuard where the kernel has none: of all of Seawall it knows the host's private key and its peers only. */
async function runLink({
  signal,
  log,
  problems,
}: Pick<Program, 'signal' | 'log' | 'problems'>): Promise<void> {
  const loops = { signal, log };
  const link = () => runLinkProgram({ signal, log, onState: (problem) => problems.set('link', problem) });
  await Promise.all([
    superviseLoop('link', link, loops),
    superviseLoop('health', () => reportHealth({ signal, problems }, async () => undefined), loops),
  ]);
}

async function main(name: string | undefined): Promise<void> {
  if (name === 'images') process.exit(await runImageOrder(process.stdin, process.stdout));
  const end = new AbortController();
  for (const unixSignal of ['SIGTERM', 'SIGINT'] as const) process.on(unixSignal, () => end.abort());
  const finished = await start(name, { signal: end.signal, log: logLine, problems: new Map() });
  await aborted(end.signal);
  await Promise.race([finished.ended, sleep(STOP_MS)]);
  logLine(`info ${name}: ended`);
  process.exit(0);
}

/** Starts one of the programs. Throws when its cluster file cannot be read. */
async function start(
  name: string | undefined,
  own: Pick<Program, 'signal' | 'log' | 'problems'>,
): Promise<{ readonly ended: Promise<void> }> {
  if (name === 'link') return { ended: runLink(own) };
  const run = name === 'agent' ? runAgent : name === 'server' ? runServer : undefined;
  if (run === undefined) throw new SeawallError('input', 'usage: agent.js agent | server | link | images');
  const cluster = await readClusterFile();
  const client = new CatalogClient(connectionTo(cluster.catalog, cluster.host.name));
  const { signal, log } = own;
  const place = new PlaceWatch({ cluster, client, writes: name === 'agent', signal, log });
  logLine(
    `info ${name}: Seawall ${packageJson.version} on ${cluster.host.name}, catalog on ${cluster.catalog.host}`,
  );
  return { ended: run({ ...own, cluster, client, place }) };
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    logLine(
      `error ${event}: ${describeError(error)}${error instanceof Error ? ` ${error.stack ?? ''}` : ''}`,
    );
    process.exit(1);
  });
}
try {
  await main(process.argv[2]);
} catch (error) {
  logLine(`error ${describeError(error)}`);
  process.exit(1);
}
