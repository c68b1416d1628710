import type { CertificateWish } from '../catalog/index.ts';
import { type Instance, KEY, META, type RouteRecord } from '../catalog/record.ts';
import type { DesiredCertificate } from '../compose/desired.ts';
import { sha256 } from '../hash.ts';
import { packValue } from '../packed.ts';
import { canonicalJson, type PublishedRoute } from '../plan/index.ts';
import {
  ACKNOWLEDGE_TIMEOUT_MS,
  type Acknowledgements,
  missingFrom,
  type ServedReplica,
  waitForAcknowledgements,
} from './acknowledge.ts';
import { readWishes, sealWish, writeWishes } from './certificates/wishes.ts';
import { edgeHosts, type RolloutContext } from './context.ts';
import { portsFor } from './replica.ts';

/**
 * Tells the catalog which certificates the project's routes need, then the routes. What is no longer needed goes when no edge
 * serves a route with it any more.
 */
export async function publish(
  context: RolloutContext,
  routes: readonly PublishedRoute[],
  certificates: readonly DesiredCertificate[],
  note: (text: string) => void,
): Promise<void> {
  const { client, cluster, desired, signal } = context;
  const present = await readWishes(client, desired.project, signal);
  const secrets = desired.certificateSecrets ?? {};
  const wishes = certificates.map((each) => sealWish(cluster, each, secrets, present));
  const leaving = present.filter(({ id }) => !wishes.some((wish) => wish.id === id));
  const write = async (next: readonly CertificateWish[]): Promise<void> => {
    if (next.length > 0 || present.length > 0) await writeWishes(client, desired.project, next, signal);
  };
  await write([...wishes, ...leaving]);
  await publishRoutes(context, routes, note);
  if (leaving.length > 0) await write(wishes);
}

/** Writes the project's routes and waits until every edge serves exactly them, with the replicas that are healthy now. */
async function publishRoutes(
  context: RolloutContext,
  routes: readonly PublishedRoute[],
  note: (text: string) => void,
): Promise<void> {
  const { client, desired, hosts, signal } = context;
  const records: RouteRecord[] = routes.map((route) => ({ ...route, project: desired.project }));
  const text = canonicalJson(records);
  if (records.length === 0) await client.kvDelete(KEY.route(desired.project), { signal });
  else await client.kvPut(KEY.route(desired.project), packValue(text), { signal });
  const wanted = records.length === 0 ? undefined : sha256(text);
  const replicas = await healthyReplicas(context, routes);
  const edges = edgeHosts(hosts);
  const missing = (acks: Acknowledgements): string[] => [
    ...edges.flatMap((host) => {
      const ack = acks.get(host);
      if (!ack) return [`${host} does not acknowledge: its agent is away`];
      if (ack.routes[desired.project] === wanted) return [];
      const { nginx } = ack.problems;
      return [`${host} does not serve the routes yet${nginx === undefined ? '' : `: ${nginx}`}`];
    }),
    ...replicas.flatMap((replica) => missingFrom(acks, edges, replica, true)),
  ];
  await waitForAcknowledgements(client, KEY.edgeAcks, missing, {
    timeoutMs: ACKNOWLEDGE_TIMEOUT_MS,
    signal,
    note,
  });
}

/** Replicas of the project that a route leads to and that an edge may give requests. */
async function healthyReplicas(
  { client, desired, signal }: RolloutContext,
  routes: readonly PublishedRoute[],
): Promise<ServedReplica[]> {
  const services = [...new Set(routes.map((route) => route.catalogService))];
  const found = await Promise.all(services.map((name) => client.serviceInstances(name, { signal })));
  const isOurs = ({ meta, status, draining }: Instance): boolean =>
    meta[META.project] === desired.project && status === 'passing' && !draining;
  return services.flatMap((catalogService, index) => {
    return (found[index]?.value ?? [])
      .filter(isOurs)
      .map((instance) => ({ catalogService, address: instance.address, ports: portsFor(instance, routes) }));
  });
}
