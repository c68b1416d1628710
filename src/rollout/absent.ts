import { setTimeout as sleep } from 'node:timers/promises';
import { type CatalogClient, markDraining, updateRecord } from '../catalog/index.ts';
import { type FenceRecord, type HostRecord, type Instance, KEY, META } from '../catalog/record.ts';
import { reportStep } from '../progress.ts';
import {
  ACKNOWLEDGE_TIMEOUT_MS,
  type ServedReplica,
  stillGivenRequests,
  waitForAcknowledgements,
} from './acknowledge.ts';
import { edgeHosts, type RolloutContext } from './context.ts';
import { routedPorts } from './replica.ts';

/** A dead agent's sign of life stands for one to two of its session's 10 s. */
const DEATH_CERTAIN_MS = 22_000;

/**
 * Hosts of the cluster that have to agree to a change when those that do not answer are left out: every one that was
 * reached, and every one whose agent lives: it may be cut off from here and serve all the same.
 */
export async function presentHosts(
  client: Pick<CatalogClient, 'kvList'>,
  hosts: readonly HostRecord[],
  reached: readonly string[],
  signal: AbortSignal,
): Promise<readonly HostRecord[]> {
  const deadline = performance.now() + DEATH_CERTAIN_MS;
  for (;;) {
    const { value } = await client.kvList(KEY.alives, { signal });
    const alive = new Set(value.map(({ key }) => key.slice(KEY.alives.length)));
    const present = hosts.filter(({ name }) => reached.includes(name) || alive.has(name));
    const isSure = present.every(({ name }) => reached.includes(name));
    if (isSure || performance.now() >= deadline) return present;
    await sleep(500, undefined, { signal });
  }
}

/** A host that a rollout goes without, and the services that stay there because their volumes do. */
export interface AbsentHost {
  readonly name: string;
  readonly keeps: readonly string[];
}

/**
 * What was replaced elsewhere gets no requests on hosts that were left out, neither now, should they be cut off from the
 * operator alone, nor when they come back: their entries are marked as draining, and what they register anew is.
 */
export async function fenceOff(context: RolloutContext, absent: readonly AbsentHost[]): Promise<void> {
  for (const host of absent) {
    const title = `take requests from what ${host.name} may still run`;
    await reportStep(context.report, { id: `fence-${host.name}`, title }, () => fenceHost(context, host));
  }
}

async function fenceHost(context: RolloutContext, { name, keeps }: AbsentHost): Promise<void> {
  const { client, desired, release, signal, hosts } = context;
  const { project } = desired;
  await updateRecord<FenceRecord>(
    client,
    KEY.fence(name),
    (present = {}) => ({ ...present, [project]: { before: release, except: keeps } }),
    { signal },
  );
  const replaced = (await instancesOn(client, name, project, signal)).filter(
    ({ meta }) => !keeps.includes(meta[META.service] ?? '') && Number(meta[META.release]) < release,
  );
  for (const instance of replaced) {
    await markDraining(client, instance, 'replaced while this host was away', { signal });
    const replica: ServedReplica = {
      catalogService: instance.service,
      address: instance.address,
      ports: await routedPorts(context, instance),
    };
    const everybody = hosts.map((each) => each.name);
    const options = { timeoutMs: ACKNOWLEDGE_TIMEOUT_MS, signal };
    await waitForAcknowledgements(
      client,
      KEY.edgeAcks,
      (acks) => stillGivenRequests(acks, edgeHosts(hosts), replica),
      options,
    );
    await waitForAcknowledgements(
      client,
      KEY.namesAcks,
      (acks) => stillGivenRequests(acks, everybody, replica),
      options,
    );
  }
}

/** A project's replicas on a host, as the catalog remembers them. */
export async function instancesOn(
  client: Pick<CatalogClient, 'nodeServices'>,
  host: string,
  project: string,
  signal: AbortSignal,
): Promise<readonly Pick<Instance, 'id' | 'host' | 'service' | 'address' | 'meta'>[]> {
  const { value } = await client.nodeServices(host, { signal });
  return value
    .filter(({ meta }) => meta[META.project] === project)
    .map(({ id, name, address, meta }) => ({ id, host, service: name, address, meta }));
}

/** A deploy that reached these hosts has cleared them: what runs there is what is wanted. */
export async function liftFences(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  hosts: readonly string[],
  project: string,
  signal: AbortSignal,
): Promise<void> {
  for (const host of hosts) {
    await updateRecord<FenceRecord>(
      client,
      KEY.fence(host),
      (present) => {
        if (present?.[project] === undefined) return undefined;
        const { [project]: _lifted, ...rest } = present;
        return rest;
      },
      { signal },
    );
  }
}
