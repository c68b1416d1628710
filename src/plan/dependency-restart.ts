import type { DesiredService } from '../compose/desired.ts';
import type { Actual, ActualReplica } from './actual.ts';
import type { Planning } from './input.ts';
import type { ServicePlan } from './service-diff.ts';

/**
 * Says which dependency with `restart: true` makes a replica of the service be replaced: one all of whose replicas are, or
 * will be after this plan, of a later release than it. Read off the containers, so that a deploy that was cut short between
 * the two is made whole by the next. A failed deploy that was undone may leave a dependency of its own release, which what it
 * returned to can do with: its dependents were replaced on the way back, and are of the release that serves.
 */
export function dependencyRestart(
  { running, actual }: Planning,
  service: DesiredService,
  earlier: ReadonlyMap<string, ServicePlan>,
): (replica: ActualReplica) => string | undefined {
  const names = Object.keys(service.dependsOn)
    .filter((name) => service.dependsOn[name]?.restart === true)
    .sort();
  const settled = (isHalfWay(actual) ? undefined : actual.current?.release) ?? Number.POSITIVE_INFINITY;
  const oldest = names.map((name): [string, number] => {
    const plan = earlier.get(name);
    if (!plan || plan.places.size === 0) return [name, 0];
    const leaving = new Set(
      plan.moves.flatMap((move) => (move.kind === 'swap' || move.kind === 'stop' ? [move.old.id] : [])),
    );
    const staying = (running.get(name) ?? []).filter(({ id }) => !leaving.has(id));
    return [name, Math.min(...staying.map(({ release }) => Math.min(release, settled)))];
  });
  return (replica) => oldest.find(([, release]) => release > replica.release)?.[0];
}

/** A deploy was cut short or left half way: what it made may be newer than what waits for it. */
const isHalfWay = ({ unfinished, mixed }: Actual): boolean => (unfinished ?? mixed) !== undefined;
