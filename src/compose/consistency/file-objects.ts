import { problemAt } from '../../problems.ts';
import { child } from '../node.ts';
import { type Check, entries } from './check.ts';

/** A config or a secret comes from one place. */
export function checkFileObjects(section: string, { root, problems }: Check): void {
  const origins = section === 'configs' ? ['file', 'environment', 'content'] : ['file', 'environment'];
  for (const [name, object] of entries(child(root, section))) {
    const given = origins.filter((key) => child(object, key) !== undefined);
    const external = child(object, 'external');
    const isExternal = external?.kind === 'scalar' && external.value === true;
    if (given.length === 1 || (given.length === 0 && (isExternal || child(object, 'driver') !== undefined)))
      continue;
    const words = origins.map((key) => `"${key}:"`).join(', ');
    problems.push(
      problemAt(
        object.place,
        [section, name],
        given.length === 0 ? `one of ${words} is needed` : `only one of ${words} may be given`,
      ),
    );
  }
}
