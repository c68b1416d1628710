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

/**
 * Services in the turns in which they stop when all of them go: whoever needs another one before it, so that it can still use it
 * for its last work. Those that are not desired any more are in none.
 */
export function stopTurns({ services }: Pick<Desired, 'services'>): string[][] {
  const left = new Set(Object.keys(services).sort());
  const turns: string[][] = [];
  while (left.size > 0) {
    const needed = new Set([...left].flatMap((name) => Object.keys(services[name]?.dependsOn ?? {})));
    const free = [...left].filter((name) => !needed.has(name));
    const turn = free.length > 0 ? free : [...left];
    turns.push(turn);
    for (const name of turn) left.delete(name);
  }
  return turns;
}
