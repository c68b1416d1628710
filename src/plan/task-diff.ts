import type { Desired } from '../compose/desired.ts';
import type { Change, Obstacle } from './change.ts';
import type { Planning } from './input.ts';
import { placeService } from './place.ts';

/** A task is due when a service that waits for it gets new containers, or when nothing of the project ran before. */
export function dueTasks(
  desired: Desired,
  order: readonly string[],
  changing: ReadonlySet<string>,
): string[] {
  // Dependents before dependencies: whoever a changing service waits for is waited for itself.
  const waited = new Set<string>();
  for (const name of order.toReversed()) {
    if (!changing.has(name) && !waited.has(name)) continue;
    for (const dependency of Object.keys(desired.services[name]?.dependsOn ?? {})) waited.add(dependency);
  }
  return order.filter((name) => waited.has(name) && desired.services[name]?.kind === 'task');
}

export interface TaskPlan {
  readonly service: string;
  readonly host?: string;
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
}

export function planTask(planning: Planning, name: string): TaskPlan {
  const service = planning.desired.services[name];
  if (!service) return { service: name, changes: [], obstacles: [] };
  const placement = placeService({ ...planning, running: new Map() }, service);
  const host = placement.hosts.get(1);
  if (placement.heldBy !== undefined)
    return { service: name, changes: [], obstacles: [heldTask(name, placement.heldBy)] };
  if (host === undefined) return { service: name, changes: [], obstacles: placement.obstacles };
  const change: Change = {
    kind: 'run-task',
    path: `services.${name}`,
    host,
    from: null,
    to: `${name} on ${host}`,
    why: ['services that are renewed wait for its success'],
  };
  return { service: name, host, changes: [change], obstacles: [] };
}

const heldTask = (name: string, host: string): Obstacle => ({
  path: `services.${name}`,
  message: `it has to run before what waits for it, and its volumes are on ${host}, which does not answer`,
  remedy: `Bring ${host} back, or deploy without tasks: --without-tasks.`,
  isUnreachable: true,
});
