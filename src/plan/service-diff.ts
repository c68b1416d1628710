import type { DesiredService, UpdateRule } from '../compose/desired.ts';
import { routeKey } from '../route-port.ts';
import type { Actual, ActualHost, ActualReplica } from './actual.ts';
import type { Change, Ending, Move, Obstacle, Remark, RollRule } from './change.ts';
import { configHash } from './config-hash.ts';
import { dependencyRestart } from './dependency-restart.ts';
import { chooseIncumbent } from './incumbent.ts';
import type { Planning } from './input.ts';
import { placeService } from './place.ts';
import { extraReason, reasons, startReason, type Wish } from './reasons.ts';
import { changeFor, resumeChange, stopChange } from './replica-change.ts';
import { isAlive, oldOf } from './replicas.ts';

export interface ServicePlan {
  readonly service: string;
  /** New containers come of it for another reason than scale. */
  readonly renews: boolean;
  readonly rule: RollRule;
  readonly moves: readonly Move[];
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
  /** Of a service that is no longer desired: how the release that had it lets its replicas end. */
  readonly ending?: Ending;
  /** Why it is left alone. */
  readonly remark?: Remark;
  /** Replica number → host; empty when there are obstacles. */
  readonly places: ReadonlyMap<number, string>;
}

/** What must happen to one service's replicas. `earlier`: the plans of the services that it depends on. */
export function planService(
  planning: Planning,
  service: DesiredService,
  earlier: ReadonlyMap<string, ServicePlan>,
): ServicePlan {
  const placement = placeService(planning, service);
  const rule = ruleOf(planning, service);
  const running = planning.running.get(service.name) ?? [];
  const base = { service: service.name, rule: rollRule(rule), places: placement.hosts };
  if (placement.obstacles.length > 0)
    return { ...base, renews: false, moves: [], changes: [], obstacles: placement.obstacles };
  const holder = placement.heldBy === undefined ? undefined : planning.actual.hosts[placement.heldBy];
  if (holder) return { ...base, ...leftAlone(service.name, holder) };
  const config = configHash(planning.desired, service, planning.hash);
  const restart = dependencyRestart(planning, service, earlier);
  const keep = new Set<ActualReplica>();
  const moves: Move[] = [];
  const changes: Change[] = [];
  let renews = false;
  const byNumber = Map.groupBy(running, ({ replica }) => replica);
  for (const [replica, host] of placement.hosts) {
    const wish: Wish = { planning, service, config, host, restart };
    const same = byNumber.get(replica) ?? [];
    const { good, old } = chooseIncumbent(same, host, (each) => isCurrent(each, wish));
    if (good) {
      keep.add(good);
      if (!good.isDraining && !isUnproven(good, same, planning.actual)) continue;
      moves.push({ kind: 'resume', replica, host, old: oldOf(good) });
      if (good.isDraining) changes.push(resumeChange(good));
      continue;
    }
    if (old) keep.add(old);
    renews ||= old !== undefined || running.length === 0;
    moves.push(
      old
        ? { kind: 'swap', replica, host, old: oldOf(old), order: rule.order }
        : { kind: 'start', replica, host },
    );
    changes.push(
      changeFor(service, rule, replica, host, old, old ? reasons(wish, old) : [startReason(wish, running)]),
    );
  }
  for (const extra of running.filter((each) => !keep.has(each))) {
    moves.push({ kind: 'stop', old: oldOf(extra) });
    changes.push(stopChange(extra, extraReason(extra, service)));
  }
  return { ...base, renews, moves: inTurn(moves, rule), changes, obstacles: [] };
}

const leftAlone = (service: string, { name, leaving }: ActualHost) => ({
  ...{ renews: false, moves: [], changes: [], obstacles: [] },
  remark: {
    path: `services.${service}`,
    message: leaving
      ? `goes with ${name}: its volumes are there, and stay on its disk`
      : `stays as it is: its volumes are on ${name}, and Seawall never starts with empty ones in their place`,
  },
});

/** The order in which a roll does its moves. Where two replicas cannot run at once, what is too many goes first. */
function inTurn(moves: readonly Move[], { order }: UpdateRule): Move[] {
  const turns: readonly Move['kind'][] =
    order === 'stop-first' ? ['resume', 'stop', 'start', 'swap'] : ['resume', 'start', 'swap', 'stop'];
  return turns.flatMap((kind) => moves.filter((move) => move.kind === kind));
}

/** The rule for this direction. A rollback that fails returns as a whole unless told to go on; a return has nowhere to go. */
function ruleOf({ wayBack }: Planning, { update, rollback }: DesiredService): UpdateRule {
  if (wayBack === undefined) return update;
  const isPause = rollback.failureAction === 'pause';
  return wayBack === 'rollback' && isPause ? { ...rollback, failureAction: 'rollback' } : rollback;
}

const rollRule = ({
  parallelism,
  delayMs,
  monitorMs,
  failureAction,
  maxFailureRatio,
}: UpdateRule): RollRule => ({
  parallelism,
  delayMs,
  monitorMs,
  failureAction,
  maxFailureRatio,
});

function isCurrent(replica: ActualReplica, { planning, service, config, host, restart }: Wish): boolean {
  const imageId = planning.imageIds[service.image];
  return (
    replica.host === host &&
    replica.config === config &&
    !planning.unbuilt.has(service.name) &&
    (imageId === undefined || imageId === replica.imageId) &&
    isAlive(replica) &&
    !replica.isStopping &&
    restart(replica) === undefined &&
    servesRoutes(replica, planning, service)
  );
}

/** A replica that was made for another port of a route goes on serving that one. */
const servesRoutes = (
  { routePorts }: ActualReplica,
  { routes }: Planning,
  { name }: DesiredService,
): boolean =>
  (routes.get(name) ?? []).every((route) => (routePorts[routeKey(route)] ?? route.port) === route.port);

/**
 * A deploy that was cut short made it, and nobody waited for its health: what serves beside it must not go before it does,
 * and the release is good only if it is.
 */
const isUnproven = (replica: ActualReplica, same: readonly ActualReplica[], actual: Actual): boolean =>
  same.some((each) => each !== replica && isAlive(each)) ||
  ((actual.unfinished ?? actual.mixed) !== undefined && replica.release > (actual.current?.release ?? 0));
