import { isDeepStrictEqual } from 'node:util';
import { parseEntry, releaseSubnets } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import { type ContainerSummary, goneIsFine, type HostLink } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { stopTurns } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { liftFences } from './absent.ts';
import { trimKept } from './certificates/keep.ts';
import type { RolloutContext } from './context.ts';
import { holdLease } from './hold-lease.ts';
import { requireAllHosts, requireNamedHosts } from './inspect.ts';
import { remove, stop } from './leave.ts';
import { findInstance } from './replica.ts';
import { contextFor } from './roll-out.ts';
import { publish } from './routes.ts';
import { catalogName } from './service-name.ts';
import { clusterOf, type Session } from './session.ts';

/** What `down` would take away, and what it keeps. */
export interface DownView {
  readonly containers: readonly { readonly name: string; readonly host: string }[];
  readonly networks: readonly { readonly name: string; readonly host: string }[];
  /** Named volumes of the project; kept unless asked otherwise. */
  readonly volumes: readonly { readonly name: string; readonly host: string }[];
  readonly routes: number;
}

export interface DownOptions {
  /** Removes the named volumes too, with their data. */
  readonly volumes: boolean;
  readonly confirm: (view: DownView) => Promise<boolean>;
}

/**
 * Takes a project off its hosts: routes first, then containers and networks; volumes only when asked. Hosts that are not
 * set up have nothing of it.
 */
export async function takeDown(session: Session, options: DownOptions): Promise<DownView> {
  requireAllHosts(session);
  await requireNamedHosts(session);
  if (session.cluster === undefined) return { containers: [], networks: [], volumes: [], routes: 0 };
  const { client } = clusterOf(session);
  const { view: shown } = await lookAround(session);
  if (!(await options.confirm(shown))) throw new SeawallError('interrupted', 'nothing was changed');
  return holdLease(client, session, async (signal) => {
    const held = { ...session, signal };
    // Somebody may have deployed since: what goes is what is there, and what was agreed to.
    const { view, parts } = await lookAround(held);
    if (!isDeepStrictEqual(view, shown) && !(await options.confirm(view)))
      throw new SeawallError('interrupted', 'nothing was changed');
    try {
      await unpublish(held);
      await removeContainers(held, parts);
      await Promise.all(parts.map((part) => removeRest(part, options.volumes, signal)));
      await trimKept({ ...held, client });
      await releaseSubnets(client, session.desired.project, { signal });
      await liftFences(
        client,
        session.links.map(({ name }) => name),
        session.desired.project,
        signal,
      );
      if (options.volumes)
        await client.kvDelete(KEY.volumes(session.desired.project), { recurse: true, signal });
    } catch (error) {
      if (!session.signal.aborted) throw error;
      throw new SeawallError('interrupted', `interrupted: a part of ${session.desired.project} is gone`, {
        hint: 'Take the rest away: seawall down. Have it back: seawall deploy',
        cause: error,
      });
    }
    return view;
  });
}

async function lookAround(
  session: Session,
): Promise<{ readonly view: DownView; readonly parts: readonly HostParts[] }> {
  const parts = await Promise.all(session.links.map((link) => hostParts(link, session)));
  return { view: await viewOf(session, parts), parts };
}

interface HostParts {
  readonly link: HostLink;
  readonly containers: readonly ContainerSummary[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

async function hostParts(link: HostLink, { desired, signal }: Session): Promise<HostParts> {
  const mine = `${LABEL.project}=${desired.project}`;
  const [containers, networks, volumes] = await Promise.all([
    link.docker.listContainers({ all: true, labels: [mine], signal }),
    link.docker.listNetworks({ filters: { label: [mine] }, signal }),
    link.docker.listVolumes({ filters: { label: [mine] }, signal }),
  ]);
  return {
    link,
    containers,
    networks: networks.map((network) => network.Name),
    volumes: volumes.map((volume) => volume.Name),
  };
}

async function viewOf(session: Session, parts: readonly HostParts[]): Promise<DownView> {
  const { client } = clusterOf(session);
  const routes = await client.kvGet(KEY.route(session.desired.project), { signal: session.signal });
  const on = (of: (part: HostParts) => readonly string[]) =>
    parts.flatMap((part) => of(part).map((name) => ({ name, host: part.link.name })));
  return {
    containers: on((part) => part.containers.map(nameOf)),
    networks: on((part) => part.networks),
    volumes: on((part) => part.volumes),
    routes: routes.value ? parseEntry<unknown[]>(routes.value).length : 0,
  };
}

const unpublish = (session: Session): Promise<void> =>
  reportStep(session.report, { id: 'routes', title: 'take routes away' }, (note) =>
    publish(downContext(session), [], [], note),
  );

function downContext(session: Session): RolloutContext {
  const drains = { replicas: 0, longestMs: 0, socketsCut: 0 };
  return contextFor(session, 0, {}, drains, { announceAway: async () => {} });
}

/** Grace for containers whose service is known no more. */
const STOP_GRACE_MS = 10_000;

/** In turns, on all hosts; what is not in the files any more goes first. */
async function removeContainers(session: Session, parts: readonly HostParts[]): Promise<void> {
  const turns = stopTurns(session.desired);
  const turnOf = ({ Labels }: ContainerSummary): number =>
    turns.findIndex((names) => names.includes(Labels[LABEL.service] ?? ''));
  for (const turn of [-1, ...turns.keys()]) {
    const removals = parts.flatMap(({ link, containers }) =>
      containers
        .filter((container) => turnOf(container) === turn)
        .map((container) => removeContainer(session, link, container)),
    );
    // What was told to stop is waited for also when another one fails, or Ctrl-C comes.
    await Promise.allSettled(removals);
    await Promise.all(removals);
  }
}

function removeContainer(session: Session, link: HostLink, container: ContainerSummary): Promise<void> {
  const { desired, report } = session;
  const { Id: id, Labels: labels } = container;
  const name = nameOf(container);
  const serviceName = labels[LABEL.service] ?? '';
  const old = { id, name, host: link.name, replica: Number(labels[LABEL.replica] ?? 0) };
  const rule = desired.services[serviceName] ?? { drainMs: 0, stopGraceMs: STOP_GRACE_MS };
  return reportStep(
    report,
    { id: `down-${name}`, title: `remove ${name}`, host: link.name },
    async (note) => {
      const context = downContext(session);
      const instance = await findInstance(context, catalogName(desired, serviceName), id);
      const leaving = { serviceName, host: link, old, rule };
      await stop(context, leaving, instance, note);
      await remove(leaving);
    },
  );
}

async function removeRest(
  { link: { docker }, networks, volumes }: HostParts,
  withVolumes: boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const network of networks) await goneIsFine(docker.removeNetwork(network, { signal }));
  if (!withVolumes) return;
  for (const volume of volumes) await goneIsFine(docker.removeVolume(volume, { signal }));
}

const nameOf = (container: ContainerSummary): string =>
  (container.Names[0] ?? container.Id).replace(/^\//, '');
