import type { Desired } from '../compose/desired.ts';
import type { Step } from './change.ts';
import type { PlanInput } from './input.ts';
import type { ServicePlan } from './service-diff.ts';
import type { TaskPlan } from './task-diff.ts';

/** Rolls in dependency order, each task right where the order has it: after what it needs, before the rest. */
export function orderSteps(
  desired: Desired,
  order: readonly string[],
  rolls: readonly ServicePlan[],
  tasks: readonly TaskPlan[],
): Step[] {
  return order.flatMap((name): Step[] => {
    const task = tasks.find((each) => each.service === name);
    if (task?.host !== undefined && desired.services[name])
      return [{ kind: 'run-task', service: name, host: task.host }];
    const roll = rolls.find((each) => each.service === name);
    return roll?.step ? [roll.step] : [];
  });
}

export function prepares(
  { desired }: PlanInput,
  rolls: readonly ServicePlan[],
  tasks: readonly TaskPlan[],
): Step[] {
  const needs = new Map<string, { networks: Set<string>; volumes: Set<string> }>();
  const need = (host: string, name: string): void => {
    const service = desired.services[name];
    if (!service) return;
    const entry = needs.get(host) ?? { networks: new Set(), volumes: new Set() };
    for (const network of Object.keys(service.networks)) entry.networks.add(network);
    for (const mount of service.mounts) if (mount.kind === 'volume') entry.volumes.add(mount.volume);
    needs.set(host, entry);
  };
  for (const roll of rolls)
    for (const move of roll.moves) if (move.kind !== 'stop') need(move.host, roll.service);
  for (const task of tasks) if (task.host !== undefined) need(task.host, task.service);
  return [...needs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([host, { networks, volumes }]) => ({
      kind: 'prepare',
      host,
      networks: [...networks].sort(),
      volumes: [...volumes].sort(),
    }));
}
