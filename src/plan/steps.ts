import type { Desired } from '../compose/desired.ts';
import type { Step } from './change.ts';
import type { PlanInput } from './input.ts';
import type { ServicePlan } from './service-diff.ts';
import type { TaskPlan } from './task-diff.ts';

/**
 * Rolls and tasks, dependencies first. Each names what it waits for: what it depends on, directly or through services that do
 * not change, and the task before it in the order, so that a migration that fails has nothing else half done beside it.
 */
export function orderSteps(
  desired: Desired,
  order: readonly string[],
  rolls: readonly ServicePlan[],
  tasks: readonly TaskPlan[],
): Step[] {
  const taskPlans = new Map(tasks.map((task) => [task.service, task]));
  const rollPlans = new Map(rolls.map((roll) => [roll.service, roll]));
  const waits = new Map<string, readonly string[]>();
  const steps: Step[] = [];
  let lastTask: string | undefined;
  for (const name of order) {
    const needs = Object.keys(desired.services[name]?.dependsOn ?? {}).flatMap(
      (each) => waits.get(each) ?? [],
    );
    const after = [...new Set(lastTask === undefined ? needs : [...needs, lastTask])].sort();
    const host = taskPlans.get(name)?.host;
    const roll = rollPlans.get(name);
    waits.set(name, host === undefined && roll === undefined ? after : [name]);
    if (host !== undefined) {
      steps.push({ kind: 'run-task', service: name, host, after });
      lastTask = name;
    } else if (roll) steps.push(rollStep(roll, after));
  }
  return steps;
}

export const rollStep = ({ service, rule, moves, ending }: ServicePlan, after: readonly string[]): Step => ({
  ...{ kind: 'roll', service, after, rule, moves },
  ...(ending === undefined ? {} : { ending }),
});

export function prepares(
  { desired }: PlanInput,
  rolls: readonly ServicePlan[],
  tasks: readonly TaskPlan[],
): Step[] {
  const needs = new Map<string, { networks: Set<string>; volumes: Set<string>; certificates: Set<string> }>();
  const need = (host: string, name: string): void => {
    const service = desired.services[name];
    if (!service) return;
    const entry = needs.get(host) ?? { networks: new Set(), volumes: new Set(), certificates: new Set() };
    for (const network of Object.keys(service.networks)) entry.networks.add(network);
    for (const mount of service.mounts) {
      if (mount.kind === 'volume') entry.volumes.add(mount.volume);
      if (mount.kind === 'certificate' && service.kind === 'replica') entry.certificates.add(name);
    }
    needs.set(host, entry);
  };
  for (const roll of rolls)
    for (const move of roll.moves) if (move.kind !== 'stop') need(move.host, roll.service);
  for (const task of tasks) if (task.host !== undefined) need(task.host, task.service);
  return [...needs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([host, { networks, volumes, certificates }]) => ({
      kind: 'prepare',
      host,
      networks: [...networks].sort(),
      volumes: [...volumes].sort(),
      ...(certificates.size === 0 ? {} : { certificates: [...certificates].sort() }),
    }));
}
