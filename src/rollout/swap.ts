import { setTimeout as sleep } from 'node:timers/promises';
import { markDraining } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import type { OldReplica } from '../plan/index.ts';
import {
  lingeringAt,
  missingFrom,
  readAcknowledgements,
  type ServedReplica,
  stillGivenRequests,
  waitForAcknowledgements,
} from './acknowledge.ts';
import { type AddressBook, quarantine } from './addresses.ts';
import { edgeHosts, type RolloutContext } from './context.ts';
import { describeFailure, ReplicaFailure } from './failure.ts';
import { waitUntilHealthy } from './health-gate.ts';
import { createReplica, findInstance, type NewReplica, removeReplica, routedPorts } from './replica.ts';
import { catalogName } from './service-name.ts';

/** Names are cached for their TTL of 1 s and by applications a little longer: time between the last answer and SIGTERM. */
const NAMES_SETTLE_MS = 5_000;
const ACKNOWLEDGE_TIMEOUT_MS = 60_000;

export interface Swap {
  readonly service: DesiredService;
  readonly host: HostLink;
  readonly replica: number;
}

type Note = (text: string) => void;

/** Starts a replica and waits until it is healthy and gets requests everywhere. */
export async function bringUp(
  context: RolloutContext,
  book: AddressBook,
  swap: Swap,
  note: Note,
): Promise<NewReplica> {
  const made = await createReplica(context, book, swap.service, swap.host, swap.replica);
  try {
    note('starting');
    await swap.host.docker.startContainer(made.id, { signal: context.signal });
    const instance = await waitUntilHealthy(context, swap.host, made, note);
    note('healthy; waiting for the edges and resolvers');
    if (!context.withoutAcknowledgement) await waitUntilServed(context, swap.service, instance.address, note);
    return made;
  } catch (error) {
    await giveUp(context, swap, made, error);
    throw error;
  }
}

/** Takes a replica that did not come up away again, after its last words were read. */
async function giveUp(context: RolloutContext, swap: Swap, made: NewReplica, error: unknown): Promise<void> {
  const cleanup = AbortSignal.timeout(ACKNOWLEDGE_TIMEOUT_MS);
  if (error instanceof ReplicaFailure) error.report = await describeFailure(error, swap.host, cleanup);
  const undo = { ...context, signal: cleanup };
  const old: OldReplica = { id: made.id, name: made.name, host: made.host, replica: made.replica };
  await retire(undo, swap.service.name, swap.host, old, swap.service, () => undefined);
}

async function waitUntilServed(
  context: RolloutContext,
  service: DesiredService,
  address: string,
  note: Note,
): Promise<void> {
  const { client, hosts, signal } = context;
  const catalogService = catalogName(context.desired, service.name);
  const replica: ServedReplica = {
    catalogService,
    address,
    ports: await routedPorts(context, catalogService),
  };
  const options = { timeoutMs: ACKNOWLEDGE_TIMEOUT_MS, signal, note };
  const everybody = hosts.map((host) => host.name);
  await Promise.all([
    waitForAcknowledgements(
      client,
      KEY.edgeAcks,
      (acks) => missingFrom(acks, edgeHosts(hosts), replica, true),
      options,
    ),
    waitForAcknowledgements(
      client,
      KEY.namesAcks,
      (acks) => missingFrom(acks, everybody, replica, false),
      options,
    ),
  ]);
}

/**
 * Takes a replica away without losing a request: no new requests anywhere (acknowledged), then those under way end, then
 * SIGTERM, grace, removal. Its address is free afterwards only when everybody has dropped it.
 */
export async function retire(
  context: RolloutContext,
  serviceName: string,
  host: HostLink,
  old: OldReplica,
  rule: Pick<DesiredService, 'drainMs' | 'stopGraceMs'>,
  note: Note,
): Promise<void> {
  await drain(context, serviceName, host, old, rule.drainMs, note);
  note('stopping');
  await removeReplica(host, old.id, rule.stopGraceMs, context.signal);
}

/** The first half of {@link retire}: afterwards nobody sends the replica anything, and nothing is under way. */
async function drain(
  context: RolloutContext,
  serviceName: string,
  host: HostLink,
  old: OldReplica,
  drainMs: number,
  note: Note,
): Promise<void> {
  if (context.withoutAcknowledgement) return;
  const catalogService = catalogName(context.desired, serviceName);
  const instance = await findInstance(context, catalogService, old.id);
  if (!instance) return;
  const { client, hosts, signal } = context;
  const startedAt = performance.now();
  const replica: ServedReplica = {
    catalogService,
    address: instance.address,
    ports: await routedPorts(context, catalogService),
  };
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
  const [cut] = await Promise.all([
    replica.ports.length > 0 ? waitUntilIdle(context, replica, drainMs, startedAt, note) : 0,
    wasNamed ? sleep(NAMES_SETTLE_MS, undefined, { signal }) : undefined,
  ]);
  const log = context.drains;
  log.replicas += 1;
  log.longestMs = Math.max(log.longestMs, performance.now() - startedAt);
  log.socketsCut += cut;
}

async function isNamed(context: RolloutContext, replica: ServedReplica): Promise<boolean> {
  const { acks } = await readAcknowledgements(context.client, KEY.namesAcks, 0, context.signal);
  return [...acks.values()].some(
    (ack) => ack.services[replica.catalogService]?.includes(replica.address) === true,
  );
}

/** Waits until no edge has a connection to the replica, `drainMs` from the start at the most. Gives the sockets cut. */
async function waitUntilIdle(
  context: RolloutContext,
  replica: ServedReplica,
  drainMs: number,
  startedAt: number,
  note: Note,
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
    const { requests, upgraded } = lingeringAt(read.acks, replica);
    if (requests === 0 && upgraded === 0) return 0;
    const over = performance.now() - startedAt >= drainMs;
    if (over) return Math.max(0, requests) + upgraded;
    note(
      `draining: ${requests < 0 ? 'some' : requests} requests and ${upgraded} upgraded connections under way`,
    );
    index = read.index;
  }
}

/** New one first: the old one goes when the new one serves. */
export async function swapStartFirst(
  context: RolloutContext,
  book: AddressBook,
  swap: Swap,
  old: OldReplica,
  oldHost: HostLink,
  note: Note,
): Promise<void> {
  await bringUp(context, book, swap, note);
  await retire(context, swap.service.name, oldHost, old, swap.service, note);
}

/**
 * Old one first: for what two replicas cannot share. The old container is only stopped until the new one is healthy; should
 * that fail it is started again, with its data and its address.
 */
export async function swapStopFirst(
  context: RolloutContext,
  book: AddressBook,
  swap: Swap,
  old: OldReplica,
  oldHost: HostLink,
  note: Note,
): Promise<void> {
  const { service } = swap;
  await context.announceAway(service.name, true);
  try {
    await drain(context, service.name, oldHost, old, service.drainMs, note);
    note('stopping');
    await oldHost.docker.stopContainer(old.id, service.stopGraceMs, { signal: context.signal });
    try {
      await bringUp(context, book, swap, note);
    } catch (error) {
      await startAgain(oldHost, old, error);
      throw error;
    }
    await oldHost.docker.removeContainer(old.id, { force: true, volumes: true, signal: context.signal });
  } finally {
    await context.announceAway(service.name, false);
  }
}

async function startAgain(host: HostLink, old: OldReplica, because: unknown): Promise<void> {
  try {
    await host.docker.startContainer(old.id, { signal: AbortSignal.timeout(30_000) });
  } catch (cause) {
    throw new SeawallError(
      'mixed',
      `${old.name} on ${host.name} was stopped for its successor and does not start again`,
      {
        hint: `Its successor failed too (${because instanceof Error ? because.message : String(because)}). Look: seawall logs`,
        cause,
      },
    );
  }
}
