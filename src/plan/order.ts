import type { Desired } from '../compose/desired.ts';

/**
 * Services in the order in which they are brought up to date: dependencies before dependents, everything that a
 * task needs and the tasks before the rest, names in alphabetical order otherwise.
 */
export function serviceOrder(desired: Desired): string[] {
  const names = Object.keys(desired.services).sort();
  const order = new Set<string>();
  const visit = (name: string, path: Set<string>): void => {
    const service = desired.services[name];
    if (!service || order.has(name) || path.has(name)) return;
    path.add(name);
    for (const dependency of Object.keys(service.dependsOn).sort()) visit(dependency, path);
    path.delete(name);
    order.add(name);
  };
  const none = new Set<string>();
  for (const name of names.filter((each) => desired.services[each]?.kind === 'task')) visit(name, none);
  for (const name of names) visit(name, none);
  return [...order];
}
