import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../catalog/record.ts';
import type { DesiredService } from '../compose/desired.ts';
import type { ContainerInfo, HostLink } from '../hosts/index.ts';
import type { RolloutContext } from './context.ts';
import { crashOf, lastExitCode } from './exit-code.ts';
import { ReplicaFailure } from './failure.ts';
import { findInstance, type NewReplica } from './replica.ts';
import { catalogName } from './service-name.ts';

const LOOK_EVERY_MS = 300;
/** For services without a HEALTHCHECK of their own; Swarm and Kamal users are used to 30 s, slow starters need more. */
const DEFAULT_DEADLINE_MS = 60_000;
const NS_PER_MS = 1e6;

/**
 * Waits until the registrar calls the replica passing.
 * @param restartsBefore of a replica that has run for longer: those of its earlier life are not held against it
 * @throws ReplicaFailure when it exits, restarts, is called unhealthy by Docker, or its time is over.
 */
export async function waitUntilHealthy(
  context: RolloutContext,
  host: HostLink,
  replica: Omit<NewReplica, 'addresses'>,
  note: (text: string) => void,
  restartsBefore = 0,
): Promise<Instance> {
  const { signal } = context;
  const startedAt = performance.now();
  let deadlineMs = DEFAULT_DEADLINE_MS;
  let last = 'not in the catalog yet';
  for (;;) {
    signal.throwIfAborted();
    const info = await host.docker.inspectContainer(replica.id, { signal });
    deadlineMs = healthDeadlineMs(replica.service, info);
    const since = { ...info, RestartCount: info.RestartCount - restartsBefore };
    const crash = crashOf(since, await lastExitCode(host.docker, since, signal));
    if (crash !== undefined) throw new ReplicaFailure(replica, crash, last);
    const instance = await findInstance(
      context,
      catalogName(context.desired, replica.service.name),
      replica.id,
    );
    if (instance?.status === 'passing') return instance;
    if (instance) last = instance.output;
    if (info.State.Health?.Status === 'unhealthy')
      throw new ReplicaFailure(replica, 'its health check fails', last);
    const elapsed = performance.now() - startedAt;
    if (elapsed > deadlineMs) {
      throw new ReplicaFailure(replica, `not healthy within ${Math.round(deadlineMs / 1000)} s`, last);
    }
    note(
      instance
        ? `${Math.round(elapsed / 1000)} s, ${instance.output.split('\n')[0] ?? ''}`
        : 'waiting for its first probe',
    );
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/**
 * How long a replica may take to become healthy: what its HEALTHCHECK grants (start period, then retries × interval with
 * the last probe's timeout; Docker's defaults 0 s, 3, 30 s, 30 s), else a minute. It may pass much earlier.
 */
function healthDeadlineMs(service: DesiredService, info: Pick<ContainerInfo, 'Config'>): number {
  const check = info.Config.Healthcheck;
  if (!check?.Test || check.Test[0] === 'NONE')
    return Math.max(DEFAULT_DEADLINE_MS, 2 * service.update.monitorMs);
  const ms = (value: number | undefined, fallback: number): number =>
    value === undefined || value === 0 ? fallback : value / NS_PER_MS;
  const retries = check.Retries === undefined || check.Retries === 0 ? 3 : check.Retries;
  return ms(check.StartPeriod, 0) + retries * ms(check.Interval, 30_000) + ms(check.Timeout, 30_000) + 5_000;
}
