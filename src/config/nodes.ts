import { type MapNode, map, type Node } from '../compose/index.ts';
import { configSchema } from './schema.ts';

/** A later seawall.yml over an earlier one: maps are merged, everything else is replaced. */
export function overlayConfig(base: Node, over: Node): Node {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const old = base.entries.get(key);
    entries.set(
      key,
      old === undefined ? entry : { key: entry.key, value: overlayConfig(old.value, entry.value) },
    );
  }
  return map(entries, over.place);
}

/** Whether a top-level map is a Compose file rather than a seawall.yml; they have no key in common. */
export function isComposeFile(name: string, root: Node | undefined): boolean {
  if (/^seawall\b.*\.ya?ml$/.test(name)) return false;
  if (/compose/.test(name)) return true;
  const keys: MapNode['entries'] | undefined = root?.kind === 'map' ? root.entries : undefined;
  return (
    keys === undefined ||
    keys.has('services') ||
    keys.has('include') ||
    ![...keys.keys()].some((key) => Object.hasOwn(configSchema.shape, key))
  );
}
