import { makeCatalogCertificate } from '../catalog/index.ts';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { Docker, localSocket } from '../hosts/index.ts';
import {
  type Exchange,
  ensureImages,
  findImage,
  type ImageWish,
  keepImages,
  keptName,
  readDockerConfig,
} from '../images/index.ts';
import type { Actual, Plan } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { copyContents, sendContents } from './contents.ts';
import type { RolloutContext } from './context.ts';
import type { TransferSummary } from './result.ts';
import type { Session } from './session.ts';

/** Service → hosts that will run it or run it now. */
function hostsByService(session: Session, actual: Actual, plan: Plan): Map<string, Set<string>> {
  const hosts = new Map(Object.keys(session.desired.services).map((name) => [name, new Set<string>()]));
  const add = (service: string, host: string): void => void hosts.get(service)?.add(host);
  for (const host of Object.values(actual.hosts))
    for (const replica of host.replicas) add(replica.service, host.name);
  for (const step of plan.steps) {
    if (step.kind === 'run-task') add(step.service, step.host);
    if (step.kind === 'roll')
      for (const move of step.moves) if (move.kind !== 'stop') add(step.service, move.host);
  }
  return hosts;
}

/** The images of a rollout, and what bringing them came to. */
export interface Provided {
  readonly images: RolloutContext['images'];
  readonly transfer: TransferSummary;
}

/**
 * Builds what is to be built and brings every image, and every file that replicas mount, to the hosts that need it.
 * Afterwards each host was checked to hold what it needs; nothing was stopped or started.
 */
export async function provideImages(session: Session, actual: Actual, plan: Plan): Promise<Provided> {
  const { desired, links, report, signal } = session;
  const hosts = hostsByService(session, actual, plan);
  const wishes = Object.values(desired.services).flatMap((service): ImageWish[] => {
    const names = [...(hosts.get(service.name) ?? [])].sort();
    if (names.length === 0) return [];
    return [wishOf(service, names)];
  });
  const startedAt = performance.now();
  const operator = await operatorDocker(signal);
  const traffic = noTraffic();
  const byName = new Map(links.map((link) => [link.name, link]));
  return reportStep(report, { id: 'images', title: 'images' }, async () => {
    const dockerConfig = await readDockerConfig();
    const exchange = exchangeOf(session);
    const context = {
      ...{ project: desired.project, links: byName, dockerConfig, exchange, traffic, report, signal },
    };
    const ready = await ensureImages(wishes, operator === undefined ? context : { ...context, operator });
    await Promise.all(
      links.map(async (link) => {
        const mine = wishes
          .filter((wish) => wish.hosts.includes(link.name))
          .flatMap((wish) => ready[wish.service] ?? []);
        await keepImages(link.docker, desired.project, mine, { signal });
        if (mine.length > 0) await sendContents(link, desired.contents, signal);
      }),
    );
    const images = Object.fromEntries(
      Object.entries(ready).map(([name, { reference, id }]) => [name, { reference, id }]),
    );
    const durationMs = Math.round(performance.now() - startedAt);
    return { images, transfer: { ...traffic, durationMs } };
  }).finally(() => operator?.close());
}

const wishOf = (service: DesiredService, hosts: readonly string[]): ImageWish => ({
  service: service.name,
  reference: service.image,
  pull: service.pull,
  hosts,
  ...(service.build === undefined ? {} : { build: service.build }),
  ...(service.platform === undefined ? {} : { platform: service.platform }),
});

/** Brings one service's image, and the files that it mounts, to one host. No release keeps the image afterwards. */
export async function provideImage(session: Session, name: string, host: string): Promise<void> {
  const { desired, links, report, signal } = session;
  const service = desired.services[name];
  const link = links.find((each) => each.name === host);
  if (service === undefined || link === undefined)
    throw new SeawallError('bug', `${name} or ${host} is unknown`);
  const operator = await operatorDocker(signal);
  const context = {
    ...{ project: desired.project, links: new Map(links.map((each) => [each.name, each])) },
    ...{ dockerConfig: await readDockerConfig(), exchange: exchangeOf(session), report, signal },
    ...(operator === undefined ? {} : { operator }),
  };
  await reportStep(report, { id: 'images', title: `image of ${name}` }, async () => {
    await ensureImages([wishOf(service, [host])], context);
    const mounted = service.mounts.flatMap((mount) => (mount.kind === 'content' ? [mount.hash] : []));
    const contents = Object.entries(desired.contents).filter(([hash]) => mounted.includes(hash));
    await sendContents(link, Object.fromEntries(contents), signal);
  }).finally(() => operator?.close());
}

/** The hosts reach each other at their private addresses. */
function exchangeOf({ hosts }: Session): Exchange {
  const addresses = Object.fromEntries(hosts.map(({ name, privateAddress }) => [name, privateAddress]));
  return { addresses, tlsName: CATALOG_TLS_NAME, makeCredentials: () => makeCatalogCertificate() };
}

/** This machine's own engine, when it has one that answers. */
export async function operatorDocker(signal: AbortSignal): Promise<Docker | undefined> {
  const docker = new Docker(localSocket());
  try {
    await docker.ping({ signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
    return docker;
  } catch {
    docker.close();
    return undefined;
  }
}

/**
 * Brings the images of an earlier release, and the files that its services mount, to the hosts that are to run it: one that
 * joined since gets them from another.
 * @throws SeawallError `refused` when no host has one any more.
 */
export async function provideKept(
  session: Session,
  plan: Plan,
  images: RolloutContext['images'],
): Promise<TransferSummary> {
  const { signal, links, report } = session;
  const hosts = new Map<string, Set<string>>();
  for (const step of plan.steps) {
    if (step.kind !== 'roll') continue;
    const started = step.moves.flatMap((move) => (move.kind === 'stop' ? [] : [move.host]));
    if (started.length > 0) hosts.set(step.service, new Set(started));
  }
  const wishes = [...hosts].flatMap(([service, names]): ImageWish[] => {
    const id = images[service]?.id;
    if (id === undefined) return [];
    const platform = session.desired.services[service]?.platform;
    return [
      {
        ...{ service, reference: keptName(plan.project, id), pull: 'never', hosts: [...names].sort() },
        ...(platform === undefined ? {} : { platform }),
      },
    ];
  });
  await requireHolders(session, wishes);
  const startedAt = performance.now();
  const traffic = noTraffic();
  const byName = new Map(links.map((link) => [link.name, link]));
  const context = { project: plan.project, links: byName, dockerConfig: {}, traffic, report, signal };
  await ensureImages(wishes, { ...context, exchange: exchangeOf(session) });
  await copyContents(links, mountedOn(session, hosts), signal);
  return { ...traffic, durationMs: Math.round(performance.now() - startedAt) };
}

/** Host → hashes of the contents that the services mount which it is to run. */
function mountedOn(
  { desired }: Session,
  hosts: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, Set<string>> {
  const mounted = new Map<string, Set<string>>();
  for (const [service, names] of hosts) {
    for (const mount of desired.services[service]?.mounts ?? []) {
      if (mount.kind !== 'content') continue;
      for (const name of names) mounted.set(name, (mounted.get(name) ?? new Set()).add(mount.hash));
    }
  }
  return mounted;
}

async function requireHolders({ links, signal }: Session, wishes: readonly ImageWish[]): Promise<void> {
  for (const { service, reference, hosts } of wishes) {
    const found = await Promise.all(links.map(({ docker }) => findImage(docker, reference, { signal })));
    if (found.some((image) => image !== undefined)) continue;
    throw new SeawallError('refused', `no host has the image of ${service} in that release any more`, {
      hint: 'Check the earlier version out and deploy it: seawall deploy',
      where: hosts.join(', '),
    });
  }
}

const noTraffic = () => ({ uploadedBytes: 0, betweenHostsBytes: 0, sentLayers: 0, skippedLayers: 0 });
