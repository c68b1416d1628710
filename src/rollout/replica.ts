import { parseEntry } from '../catalog/index.ts';
import { type Instance, KEY, META, type RouteRecord } from '../catalog/record.ts';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import type { HostLink } from '../hosts/index.ts';
import { configHash, containerPlan, networkOrder } from '../plan/index.ts';
import { readRoutePorts, servedPort } from '../route-port.ts';
import type { AddressBook } from './addresses.ts';
import type { RolloutContext } from './context.ts';

/** A container made by this rollout. */
export interface NewReplica {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly service: DesiredService;
  readonly replica: number;
  /** Network → address. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Creates a replica's container with fixed addresses, not started. */
export async function createReplica(
  context: RolloutContext,
  book: AddressBook,
  service: DesiredService,
  host: HostLink,
  replica: number,
): Promise<NewReplica> {
  const { desired, cluster, release, images, signal } = context;
  const image = images[service.name];
  const record = context.hosts.find((each) => each.name === host.name);
  if (!image || !record)
    throw new SeawallError('bug', `no image or host record for ${service.name} on ${host.name}`);
  const addresses = await book.allocate(host, networkOrder(desired, service));
  const plan = containerPlan(desired, service, {
    cluster: cluster.id,
    privateAddress: record.privateAddress,
    kind: 'replica',
    replica,
    release,
    config: configHash(desired, service, sha256),
    image: image.reference,
    addresses,
  });
  const name = `${desired.project}-${service.name}-${replica}-${context.suffix()}`;
  const body = plan.body as Parameters<HostLink['docker']['createContainer']>[1];
  const id = await host.docker.createContainer(name, body, { signal });
  try {
    for (const { network, endpoint } of plan.connect)
      await host.docker.connectNetwork(network, id, endpoint, { signal });
  } catch (error) {
    await host.docker.removeContainer(id, { force: true }).catch(() => undefined);
    throw error;
  }
  return { id, name, host: host.name, service, replica, addresses };
}

/** The catalog's entry of a container, when the registrar has written it. */
export async function findInstance(
  context: RolloutContext,
  catalogService: string,
  containerId: string,
): Promise<Instance | undefined> {
  const { value } = await context.client.serviceInstances(catalogService, { signal: context.signal });
  return value.find((instance) => instance.meta[META.container] === containerId);
}

/** Ports of a replica that the routes in force lead to: its own for them, {@link servedPort}. */
export async function routedPorts(
  { client, signal }: Pick<RolloutContext, 'client' | 'signal'>,
  instance: Pick<Instance, 'service' | 'meta'>,
): Promise<number[]> {
  const { value } = await client.kvList(KEY.routes, { signal });
  const routes = value.flatMap((entry) => parseEntry<RouteRecord[]>(entry));
  return portsFor(instance, routes);
}

/** Ports at which an instance serves those of the routes that lead to it. */
export function portsFor(
  { service, meta }: Pick<Instance, 'service' | 'meta'>,
  routes: readonly Pick<RouteRecord, 'domain' | 'path' | 'port' | 'catalogService'>[],
): number[] {
  const own = readRoutePorts(meta[META.routes]);
  const ports = routes
    .filter((route) => route.catalogService === service)
    .map((route) => servedPort(own, route));
  return [...new Set(ports)].sort((a, b) => a - b);
}
