import type { DesiredService } from '../compose/desired.ts';
import type { Actual, ActualReplica } from './actual.ts';
import type { Change, Move, Obstacle, Remark, Step } from './change.ts';
import { configHash } from './config-hash.ts';
import { describeDifference, serviceDifferences } from './differences.ts';
import type { PlanInput } from './input.ts';
import { placeService } from './place.ts';
import { oldOf, replicasOf } from './replicas.ts';

export interface ServicePlan {
  readonly service: string;
  /** New containers come of it for another reason than scale. */
  readonly renews: boolean;
  readonly moves: readonly Move[];
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
  readonly step?: Step;
  /** Why it is left alone. */
  readonly remark?: Remark;
}

export function planService(input: PlanInput, service: DesiredService): ServicePlan {
  const { desired, actual, hash } = input;
  const placement = placeService(desired, service, actual, hash);
  const running = replicasOf(actual, service.name);
  if (placement.obstacles.length > 0) {
    return { service: service.name, renews: false, moves: [], changes: [], obstacles: placement.obstacles };
  }
  if (placement.heldBy !== undefined) return leftAlone(service.name, placement.heldBy);
  const config = configHash(desired, service, hash);
  const keep = new Set<ActualReplica>();
  const moves: Move[] = [];
  const changes: Change[] = [];
  let renews = false;
  for (const [replica, host] of placement.hosts) {
    const same = running.filter((each) => each.replica === replica);
    const good = same.find((each) => isCurrent(each, host, config, service, input));
    if (good) {
      keep.add(good);
      if (good.isDraining) {
        moves.push({ kind: 'resume', replica, host, old: oldOf(good) });
        changes.push(resumeChange(good));
      } else if (isUnproven(good, same, actual)) {
        moves.push({ kind: 'resume', replica, host, old: oldOf(good) });
      }
      continue;
    }
    // What only was made, or stands still, is not what serves.
    const up = same.filter(isUp);
    const old = [...up, ...same].find((each) => each.host === host) ?? up[0] ?? same[0];
    if (old) keep.add(old);
    const why = old ? reasons(input, service, old, host, config) : [startReason(input, service)];
    renews ||= old !== undefined || !wasScaledOnly(input, service);
    moves.push(moveFor(service, replica, host, old));
    changes.push(changeFor(service, replica, host, old, why));
  }
  for (const extra of running.filter((each) => !keep.has(each))) {
    moves.push({ kind: 'stop', old: oldOf(extra) });
    changes.push(stopChange(extra, extraReason(extra, service)));
  }
  const step: Step = {
    kind: 'roll',
    service: service.name,
    parallelism: service.update.parallelism,
    delayMs: service.update.delayMs,
    moves,
  };
  return { service: service.name, renews, moves, changes, obstacles: [], step };
}

const leftAlone = (service: string, host: string): ServicePlan => ({
  ...{ service, renews: false, moves: [], changes: [], obstacles: [] },
  remark: {
    path: `services.${service}`,
    message: `stays as it is: its volumes are on ${host}, and Seawall never starts with empty ones in their place`,
  },
});

function isCurrent(
  replica: ActualReplica,
  host: string,
  config: string,
  service: DesiredService,
  { imageIds, unbuilt }: PlanInput,
): boolean {
  const imageId = imageIds[service.image];
  return (
    replica.host === host &&
    replica.config === config &&
    !unbuilt.has(service.name) &&
    (imageId === undefined || imageId === replica.imageId) &&
    isUp(replica)
  );
}

/**
 * A deploy that was cut short made it, and nobody waited for its health: what serves beside it must not go before it does,
 * and the release is good only if it is.
 */
const isUnproven = (replica: ActualReplica, same: readonly ActualReplica[], actual: Actual): boolean =>
  same.some((each) => each !== replica && isUp(each)) ||
  (actual.unfinished !== undefined && replica.release > (actual.current?.release ?? 0));

const isUp = ({ state }: ActualReplica): boolean => ['running', 'restarting', 'paused'].includes(state);

function reasons(
  input: PlanInput,
  service: DesiredService,
  old: ActualReplica,
  host: string,
  config: string,
): string[] {
  const { desired, actual, hash, imageIds } = input;
  const why: string[] = [];
  if (!isUp(old)) why.push(`it is ${old.state}`);
  if (old.host !== host) why.push(`belongs on ${host}, runs on ${old.host}`);
  if (old.config !== config) {
    const before = actual.current?.desired;
    const earlier = before?.services[service.name];
    const differences = serviceDifferences(
      before && earlier ? { desired: before, service: earlier } : undefined,
      { desired, service },
      hash,
    );
    if (differences.length > 0) why.push(...differences.map(describeDifference));
    else why.push(`its configuration is of release ${old.release}`);
  }
  const imageId = imageIds[service.image];
  if (imageId !== undefined && imageId !== old.imageId && why.length === 0)
    why.push(`${service.image} is a newer image`);
  if (why.length === 0) why.push('its image is to be built again');
  return why;
}

function startReason({ actual }: PlanInput, service: DesiredService): string {
  const has = replicasOf(actual, service.name).length;
  if (has === 0) return actual.current?.desired.services[service.name] ? 'it is not running' : 'new service';
  return has < service.replicas ? `replicas: ${has} → ${service.replicas}` : 'replica missing';
}

/** A replica that is new only because there are to be more of them, of a release that runs already. */
function wasScaledOnly({ actual }: PlanInput, service: DesiredService): boolean {
  return replicasOf(actual, service.name).length > 0;
}

const extraReason = (extra: ActualReplica, service: DesiredService): string =>
  extra.replica > service.replicas
    ? `replicas: ${service.replicas} are enough`
    : `left over from release ${extra.release}: another container is replica ${extra.replica}`;

function moveFor(service: DesiredService, replica: number, host: string, old?: ActualReplica): Move {
  if (!old) return { kind: 'start', replica, host };
  return { kind: 'swap', replica, host, old: oldOf(old), order: service.update.order };
}

function changeFor(
  service: DesiredService,
  replica: number,
  host: string,
  old: ActualReplica | undefined,
  why: readonly string[],
): Change {
  const path = `services.${service.name}.replicas.${replica}`;
  if (!old)
    return {
      kind: 'start-replica',
      path,
      host,
      from: null,
      to: `${service.name}-${replica} on ${host}`,
      why,
    };
  const from = `${old.name} on ${old.host}`;
  const change: Change = {
    kind: 'replace-replica',
    path,
    host,
    from,
    to: `${service.name}-${replica} on ${host}`,
    why,
  };
  if (service.update.order === 'start-first') return change;
  return { ...change, away: awayText(service) };
}

function awayText(service: DesiredService): string {
  const reason = service.update.orderReason ?? 'update_config.order is stop-first';
  const seconds = Math.ceil((Math.min(service.stopGraceMs, 3000) + startMs(service)) / 1000);
  return `stops before its successor starts, because ${reason}; away for about ${seconds} s`;
}

/** A guess of how long a replica takes to become healthy: probes run every second while it starts. */
const startMs = (service: DesiredService): number =>
  service.health.kind === 'running' ? service.update.monitorMs : 2000;

const resumeChange = (replica: ActualReplica): Change => ({
  kind: 'resume-replica',
  path: `services.${replica.service}.replicas.${replica.replica}`,
  host: replica.host,
  from: `${replica.name} on ${replica.host}, draining`,
  to: `${replica.name} on ${replica.host}`,
  why: ['a deploy that was cut short took its requests away'],
});

const stopChange = (replica: ActualReplica, why: string): Change => ({
  kind: 'stop-replica',
  path: `services.${replica.service}.replicas.${replica.replica}`,
  host: replica.host,
  from: `${replica.name} on ${replica.host}`,
  to: null,
  why: [why],
});

export function removeService(actual: Actual, name: string): { changes: Change[]; steps: Step[] } {
  const running = replicasOf(actual, name);
  return {
    changes: running.map((replica) => stopChange(replica, 'the service is no longer in the Compose file')),
    steps: [
      {
        kind: 'roll',
        service: name,
        parallelism: 0,
        delayMs: 0,
        moves: running.map((replica) => ({ kind: 'stop', old: oldOf(replica) })),
      },
    ],
  };
}
