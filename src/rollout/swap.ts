import { clearDraining } from '../catalog/index.ts';
import { type Instance, KEY } from '../catalog/record.ts';
import type { DesiredService } from '../compose/desired.ts';
import { describeError, SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import type { OldReplica } from '../plan/index.ts';
import {
  ACKNOWLEDGE_TIMEOUT_MS,
  missingFrom,
  type ServedReplica,
  waitForAcknowledgements,
} from './acknowledge.ts';
import type { AddressBook } from './addresses.ts';
import { edgeHosts, type RolloutContext } from './context.ts';
import { drain, type Leaving } from './drain.ts';
import { describeFailure, ReplicaFailure } from './failure.ts';
import { waitUntilHealthy } from './health-gate.ts';
import { runPostStart } from './hooks.ts';
import { remove, stop } from './leave.ts';
import type { Watch } from './monitor.ts';
import { createReplica, type NewReplica, routedPorts } from './replica.ts';
import { catalogName } from './service-name.ts';

/** For taking a failed replica away again: acknowledgements and a drain, whatever became of the deploy's own signal. */
const GIVE_UP_TIMEOUT_MS = 180_000;

/** What the moves of one service work with. */
export interface SwapParts {
  readonly context: RolloutContext;
  readonly book: AddressBook;
  /** Aborted when the rollout is to end: what has not begun to leave stays, what was just started goes again. */
  readonly halt: AbortSignal;
  readonly note: (text: string) => void;
  /** Begins to watch a replica that became healthy. */
  readonly monitor: (host: HostLink, made: NewReplica) => Watch;
  /** Does the leaving of an old replica when it is its turn. */
  readonly leave: (work: () => Promise<void>) => Promise<void>;
}

/** A replica that is to run. */
export interface Wanted {
  readonly service: DesiredService;
  readonly host: HostLink;
  readonly replica: number;
  /** Its predecessor was stopped for it, and must not run beside it: what both write would be destroyed. */
  readonly isAlone?: true;
}

/** Starts a replica and waits until it is healthy and gets requests everywhere. */
export async function bringUp(parts: SwapParts, wanted: Wanted): Promise<Started> {
  const { book, note } = parts;
  const { service, host } = wanted;
  const context = { ...parts.context, signal: AbortSignal.any([parts.context.signal, parts.halt]) };
  const made = await createReplica(context, book, service, host, wanted.replica);
  try {
    note('starting');
    await host.docker.startContainer(made.id, { signal: context.signal });
    await runPostStart(context, host, made, note);
    const instance = await waitUntilHealthy(context, host, made, note);
    note('healthy; waiting for the edges and resolvers');
    const watch = parts.monitor(host, made);
    if (!context.withoutAcknowledgement) await waitUntilServed({ context, note }, service, instance);
    return { made, watch };
  } catch (error) {
    await giveUp({ context, note }, wanted, made, error);
    throw error;
  }
}

/** A replica that gets requests, in its monitor time. */
interface Started {
  readonly made: NewReplica;
  readonly watch: Watch;
}

/**
 * Makes sure of a replica that is there already, perhaps since a deploy that was cut short: healthy, not draining, and given
 * requests everywhere. It stays where it is when that fails.
 */
export async function resume(parts: SwapParts, wanted: Wanted, old: OldReplica): Promise<void> {
  const { context, note } = parts;
  const { host, service, replica } = wanted;
  const { signal } = context;
  const { RestartCount } = await host.docker.inspectContainer(old.id, { signal });
  const there = { id: old.id, name: old.name, host: host.name, service, replica };
  try {
    const instance = await waitUntilHealthy(context, host, there, note, RestartCount);
    await clearDraining(context.client, instance, { signal });
    await waitUntilServed(parts, service, instance);
  } catch (error) {
    if (error instanceof ReplicaFailure) error.report = await describeFailure(error, host, signal);
    throw error;
  }
}

/**
 * Takes a replica that did not come up away again, after its last words were read. What fails here only is a line.
 * @throws StillThere when the one that must be alone may still run.
 */
async function giveUp(
  { context, note }: Pick<SwapParts, 'context' | 'note'>,
  { host, isAlone }: Pick<Wanted, 'host' | 'isAlone'>,
  made: NewReplica,
  error: unknown,
): Promise<void> {
  const signal = AbortSignal.timeout(GIVE_UP_TIMEOUT_MS);
  try {
    if (error instanceof ReplicaFailure) error.report = await describeFailure(error, host, signal);
    const { id, name, replica, service } = made;
    const old: OldReplica = { id, name, host: made.host, replica };
    note('is taken away again');
    const leaving: Leaving = { serviceName: service.name, host, old, rule: service };
    const instance = await drain({ ...context, signal }, leaving, note).catch((cause: unknown) => {
      // Somebody may still send requests to it; nothing else can serve before it has ended.
      if (isAlone) return undefined;
      throw cause;
    });
    await stop({ ...context, signal }, leaving, instance, note);
    await remove(leaving);
  } catch (cause) {
    const text = `${made.name} could not be taken away: ${describeError(cause)}`;
    if (isAlone) throw new StillThere(text, made.name, host.name, cause);
    context.report({ kind: 'line', text, from: host.name });
  }
}

/** A replica that failed and may run on: its predecessor stays stopped. */
class StillThere extends SeawallError {
  constructor(text: string, name: string, host: string, cause: unknown) {
    const hint = `Its predecessor stays stopped: two that write to the same place destroy it. Stop ${name}, then: seawall deploy`;
    super('mixed', text, { where: host, hint, cause });
  }
}

async function waitUntilServed(
  { context, note }: Pick<SwapParts, 'context' | 'note'>,
  service: DesiredService,
  instance: Instance,
): Promise<void> {
  const { client, hosts, signal } = context;
  const catalogService = catalogName(context.desired, service.name);
  const ports = await routedPorts(context, instance);
  const replica: ServedReplica = { catalogService, address: instance.address, ports };
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
 * New one first: the old one goes when the new one serves. When the new one dies while the old one drains, or the rollout is to
 * end, the old one gets its requests back and the new one goes.
 */
export async function swapStartFirst(parts: SwapParts, wanted: Wanted, leaving: Leaving): Promise<void> {
  const started = await bringUp(parts, wanted);
  await parts.leave(async () => {
    await refuseToLeave(parts, wanted, started);
    const instance = await drain(parts.context, leaving, parts.note);
    await refuseToLeave(parts, wanted, started, leaving);
    await stop(parts.context, leaving, instance, parts.note);
    await remove(leaving);
  });
}

/** Undoes a swap whose old replica must stay. @throws the reason, when there is one. */
async function refuseToLeave(
  parts: SwapParts,
  wanted: Wanted,
  { made, watch }: Started,
  leaving?: Leaving,
): Promise<void> {
  const reason = watch.failure ?? (parts.halt.aborted ? parts.halt.reason : undefined);
  if (reason === undefined) return;
  parts.note('the old one stays');
  if (leaving) await resume(parts, { ...wanted, host: leaving.host }, leaving.old);
  await giveUp(parts, wanted, made, undefined);
  throw reason;
}

/**
 * Old one first: for what two replicas cannot share. The old container is only stopped until the new one is healthy; should
 * that fail it is started again, with its data and its address.
 */
export async function swapStopFirst(parts: SwapParts, wanted: Wanted, leaving: Leaving): Promise<void> {
  const { context, note } = parts;
  const { docker } = leaving.host;
  const { signal } = context;
  await context.announceAway(leaving.serviceName, true);
  try {
    const instance = await drain(context, leaving, note);
    const wasRunning = (await docker.inspectContainer(leaving.old.id, { signal })).State.Running;
    if (parts.halt.aborted) {
      note('the old one stays');
      if (wasRunning) await resume(parts, { ...wanted, host: leaving.host }, leaving.old);
      throw parts.halt.reason;
    }
    try {
      await stop(context, leaving, instance, note);
      await bringUp(parts, { ...wanted, isAlone: true });
    } catch (error) {
      if (wasRunning && !(error instanceof StillThere)) await startAgain(parts, wanted, leaving, error);
      throw error;
    }
    await remove(leaving);
  } finally {
    await context.announceAway(leaving.serviceName, false);
  }
}

/** Brings the old container back, and its requests to it. */
async function startAgain(
  parts: SwapParts,
  wanted: Wanted,
  { host, old }: Leaving,
  because: unknown,
): Promise<void> {
  const signal = AbortSignal.timeout(GIVE_UP_TIMEOUT_MS);
  const context = { ...parts.context, signal };
  try {
    await host.docker.startContainer(old.id, { signal });
    await resume({ ...parts, context }, { ...wanted, host }, old);
  } catch (cause) {
    throw new SeawallError(
      'mixed',
      `${old.name} on ${host.name} was stopped for its successor and does not start again`,
      { hint: `Its successor failed too (${describeError(because)}). Look: seawall logs`, cause },
    );
  }
}
