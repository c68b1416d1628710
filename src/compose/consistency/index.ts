import type { Problem } from '../../problems.ts';
import { child, type MapNode } from '../node.ts';
import { type Check, entries } from './check.ts';
import { checkCircles, checkDependencies } from './dependencies.ts';
import { checkFileObjects } from './file-objects.ts';
import { checkReferences } from './references.ts';
import { checkContainerNames, checkImage, checkNumbers, checkTargets, checkValues } from './service.ts';

/** What no schema can say: names that must exist, keys that exclude each other, circles. */
export function checkConsistency(root: MapNode, disabled: ReadonlySet<string>): readonly Problem[] {
  const services = entries(child(root, 'services'));
  const check: Check = { root, names: services.map(([name]) => name), disabled, problems: [] };
  for (const [name, service] of services) {
    checkImage(service, ['services', name], check);
    checkReferences(service, ['services', name], check);
    checkDependencies(service, name, check);
    checkNumbers(service, ['services', name], check);
    checkTargets(service, ['services', name], check);
    checkValues(service, ['services', name], check);
  }
  checkContainerNames(services, check);
  checkCircles(services, check);
  for (const section of ['configs', 'secrets']) checkFileObjects(section, check);
  return check.problems;
}
