import type { Desired } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import type { Change, Obstacle } from './change.ts';
import type { PlanInput } from './input.ts';
import { placeService } from './place.ts';

/** A task is due when a service that waits for it gets new containers, or when nothing of the project ran before. */
export function isDue(desired: Desired, name: string, changing: ReadonlySet<string>): boolean {
  if (desired.services[name]?.kind !== 'task') return false;
  return [...changing].some((service) => waitsFor(desired, service, name, new Set()));
}

function waitsFor(desired: Desired, service: string, task: string, seen: Set<string>): boolean {
  if (seen.has(service)) return false;
  seen.add(service);
  const dependencies = Object.keys(desired.services[service]?.dependsOn ?? {});
  return dependencies.includes(task) || dependencies.some((each) => waitsFor(desired, each, task, seen));
}

export interface TaskPlan {
  readonly service: string;
  readonly host?: string;
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
}

export function planTask({ desired, actual, hash }: PlanInput, name: string): TaskPlan {
  const service = desired.services[name];
  if (!service) return { service: name, changes: [], obstacles: [] };
  const placement = placeService(desired, service, { ...actual, hosts: withoutReplicas(actual) }, hash);
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

const withoutReplicas = (actual: Actual): Actual['hosts'] =>
  Object.fromEntries(Object.entries(actual.hosts).map(([name, host]) => [name, { ...host, replicas: [] }]));
