import { KEY, type RouteRecord } from '../catalog/record.ts';
import { sha256 } from '../hash.ts';
import { canonicalJson, type PublishedRoute } from '../plan/index.ts';
import { ACKNOWLEDGE_TIMEOUT_MS, waitForAcknowledgements } from './acknowledge.ts';
import { edgeHosts, type RolloutContext } from './context.ts';

/** Writes the project's routes and waits until every edge serves exactly them. */
export async function publishRoutes(
  context: RolloutContext,
  routes: readonly PublishedRoute[],
  note: (text: string) => void,
): Promise<void> {
  const { client, desired, hosts, signal } = context;
  const records: RouteRecord[] = routes.map((route) => ({ ...route, project: desired.project }));
  const text = canonicalJson(records);
  if (records.length === 0) await client.kvDelete(KEY.route(desired.project), { signal });
  else await client.kvPut(KEY.route(desired.project), text, { signal });
  const wanted = records.length === 0 ? undefined : sha256(text);
  await waitForAcknowledgements(
    client,
    KEY.edgeAcks,
    (acks) =>
      edgeHosts(hosts).flatMap((host) => {
        const ack = acks.get(host);
        if (!ack) return [`${host} does not acknowledge: its agent is away`];
        return ack.routes[desired.project] === wanted ? [] : [`${host} does not serve the routes yet`];
      }),
    { timeoutMs: ACKNOWLEDGE_TIMEOUT_MS, signal, note },
  );
}
