import { setTimeout as sleep } from 'node:timers/promises';
import { markDraining } from '../catalog/index.ts';
import { type Instance, KEY, META } from '../catalog/record.ts';
import type { DesiredService } from '../compose/desired.ts';
import type { HostLink } from '../hosts/index.ts';
import type { OldReplica } from '../plan/index.ts';
import { readRoutePorts } from '../route-port.ts';
import {
  ACKNOWLEDGE_TIMEOUT_MS,
  lingeringAt,
  readAcknowledgements,
  type ServedReplica,
  stillGivenRequests,
  waitForAcknowledgements,
} from './acknowledge.ts';
import { quarantine } from './addresses.ts';
import { edgeHosts, type RolloutContext } from './context.ts';
import { findInstance, routedPorts } from './replica.ts';
import { catalogName } from './service-name.ts';

/** Names are cached for their TTL of 1 s and by applications a little longer: time between the last answer and SIGTERM. */
const NAMES_SETTLE_MS = 5_000;

/** A replica that is to go. */
export interface Leaving {
  readonly serviceName: string;
  readonly host: HostLink;
  readonly old: OldReplica;
  readonly rule: Pick<DesiredService, 'drainMs' | 'stopGraceMs'>;
}

/**
 * Takes all requests from a replica: afterwards nobody sends it anything, and nothing is under way.
 * @returns its entry in the catalog, when it has one.
 */
export async function drain(
  context: RolloutContext,
  leaving: Leaving,
  note: (text: string) => void,
): Promise<Instance | undefined> {
  if (context.withoutAcknowledgement) return undefined;
  const { old, host, rule } = leaving;
  const catalogService = catalogName(context.desired, leaving.serviceName);
  const instance = await findInstance(context, catalogService, old.id);
  if (!instance) return undefined;
  const { client, hosts, signal } = context;
  const startedAt = performance.now();
  const replica: ServedReplica = {
    catalogService,
    address: instance.address,
    ports: await routedPorts(context, instance),
  };
  // Its route may be gone already, with requests still under way in workers of before.
  const isRouted =
    replica.ports.length > 0 || Object.keys(readRoutePorts(instance.meta[META.routes])).length > 0;
  const wasNamed = await isNamed(context, replica);
  await markDraining(client, instance, `draining since ${new Date().toISOString()}`, { signal });
  note('draining');
  const options = { timeoutMs: ACKNOWLEDGE_TIMEOUT_MS, signal, note };
  try {
    await Promise.all([
      waitForAcknowledgements(
        client,
        KEY.edgeAcks,
        (acks) => stillGivenRequests(acks, edgeHosts(hosts), replica),
        options,
      ),
      waitForAcknowledgements(
        client,
        KEY.namesAcks,
        (acks) =>
          stillGivenRequests(
            acks,
            hosts.map((each) => each.name),
            replica,
          ),
        options,
      ),
    ]);
  } catch (error) {
    await quarantine(context, host.name, [instance.address], new Date());
    throw error;
  }
  // A host that is left out could not say that it dropped the address, and may come back with it.
  if (context.absent.length > 0) await quarantine(context, host.name, [instance.address], new Date());
  const [cut] = await Promise.all([
    waitUntilIdle(context, replica, { drainMs: rule.drainMs, startedAt, isRouted, note }),
    wasNamed ? sleep(NAMES_SETTLE_MS, undefined, { signal }) : undefined,
  ]);
  const log = context.drains;
  log.replicas += 1;
  log.longestMs = Math.max(log.longestMs, performance.now() - startedAt);
  log.socketsCut += cut;
  return instance;
}

async function isNamed(context: RolloutContext, replica: ServedReplica): Promise<boolean> {
  const { acks } = await readAcknowledgements(context.client, KEY.namesAcks, 0, context.signal);
  return [...acks.values()].some(
    (ack) => ack.services[replica.catalogService]?.includes(replica.address) === true,
  );
}

interface IdleWait {
  readonly drainMs: number;
  /** performance.now() from which `drainMs` counts. */
  readonly startedAt: number;
  /** What an edge cannot tell apart is counted for replicas that edges send requests to. */
  readonly isRouted: boolean;
  readonly note: (text: string) => void;
}

/** Waits until no edge has a connection to the replica, `drainMs` from the start at the most. Gives the sockets cut. */
async function waitUntilIdle(
  context: RolloutContext,
  replica: ServedReplica,
  { drainMs, startedAt, isRouted, note }: IdleWait,
): Promise<number> {
  let index = 0;
  for (;;) {
    const read = await readAcknowledgements(
      context.client,
      KEY.edgeAcks,
      index,
      context.signal,
      startedAt + drainMs,
    );
    const { requests: told, upgraded } = lingeringAt(read.acks, replica);
    const requests = isRouted ? told : Math.max(0, told);
    if (requests === 0 && upgraded === 0) return 0;
    const over = performance.now() - startedAt >= drainMs;
    if (over) return Math.max(0, requests) + upgraded;
    note(
      `draining: ${requests < 0 ? 'some' : requests} requests and ${upgraded} upgraded connections under way`,
    );
    index = read.index;
  }
}
