import type { KeyPath } from '../problems.ts';
import { namesToMap, toItems } from './mapping.ts';
import { child, isNull, list, type MapNode, map, mapOf, type Node, scalar, textOf } from './node.ts';
import { patternTable, ruleAt } from './pattern.ts';

type Merger = (base: Node, over: Node, path: KeyPath) => Node;

/** A later file's value over an earlier one's, by the merge rules of the Compose Specification. */
export function mergeNodes(base: Node, over: Node, path: KeyPath = []): Node {
  const special = ruleAt(SPECIAL, path);
  if (special !== undefined) return special(base, over, path);
  if (isNull(over)) return base;
  if (base.kind === 'map' && over.kind === 'map') return mergeMaps(base, over, path);
  if (base.kind === 'list' && over.kind === 'list') return list([...base.items, ...over.items], over.place);
  return over;
}

function mergeMaps(base: MapNode, over: MapNode, path: KeyPath): MapNode {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const old = base.entries.get(key);
    entries.set(
      key,
      old === undefined
        ? entry
        : { key: entry.key, value: mergeNodes(old.value, entry.value, [...path, key]) },
    );
  }
  return map(entries, over.place);
}

const replace: Merger = (_base, over) => over;

const appendItems: Merger = (base, over) => list([...toItems(base), ...toItems(over)], over.place);

const appendNewItems: Merger = (base, over) => {
  const known = new Set(toItems(base).map(textOf));
  return list([...toItems(base), ...toItems(over).filter((item) => !known.has(textOf(item)))], over.place);
};

const mergeAsMaps =
  (make: (item: Node) => Node): Merger =>
  (base, over, path) => {
    const [left, right] = [namesToMap(base, make), namesToMap(over, make)];
    if (left === undefined || right === undefined) return isNull(over) ? base : over;
    return mergeMaps(left, right, path);
  };

const mergeBuild: Merger = (base, over, path) => {
  const asMap = (node: Node) => (node.kind === 'map' ? node : mapOf({ context: node }, node.place));
  return isNull(over) ? base : isNull(base) ? over : mergeMaps(asMap(base), asMap(over), path);
};

/** Options of one log driver mean nothing to another, so they are merged only under the same driver. */
const mergeLogging: Merger = (base, over, path) => {
  if (base.kind !== 'map' || over.kind !== 'map') return isNull(over) ? base : over;
  const [left, right] = [textOf(child(base, 'driver')), textOf(child(over, 'driver'))];
  return left === undefined || right === undefined || left === right ? mergeMaps(base, over, path) : over;
};

/** Address pools are the same when their subnet is; the oddities are those of Docker Compose 2.40. */
const mergePools: Merger = (base, over, path) => {
  if (base.kind !== 'list' || over.kind !== 'list') return isNull(over) ? base : over;
  const subnet = (node: Node) => textOf(child(node, 'subnet'));
  const pools: Node[] = [];
  const put = (pool: Node) => {
    const at = pools.findIndex((known) => subnet(known) === subnet(pool));
    if (at === -1) pools.push(pool);
    else pools[at] = pool;
  };
  for (const old of base.items) {
    let merged = old;
    for (const pool of over.items) {
      const isKnown = pools.some((known) => subnet(known) === subnet(pool));
      if (subnet(pool) !== subnet(merged) && !isKnown) {
        pools.push(pool);
        continue;
      }
      if (merged.kind === 'map' && pool.kind === 'map') merged = mergeMaps(merged, pool, path);
      put(merged);
    }
  }
  return list(pools, over.place);
};

/** What a name in the short form of `depends_on` stands for. */
export const startedDependency = (item: Node): Node =>
  mapOf({ condition: 'service_started', required: true }, item.place);

const nothing = (item: Node): Node => scalar(null, item.place);

const SPECIAL = patternTable<Merger>({
  'networks.*.ipam.config': mergePools,
  'networks.*.labels': appendItems,
  'volumes.*.labels': appendItems,
  'services.*.annotations': appendItems,
  'services.*.build': mergeBuild,
  'services.*.build.args': appendItems,
  'services.*.build.additional_contexts': appendItems,
  'services.*.build.extra_hosts': appendNewItems,
  'services.*.build.labels': appendItems,
  'services.*.command': replace,
  'services.*.depends_on': mergeAsMaps(startedDependency),
  'services.*.deploy.labels': appendItems,
  'services.*.dns': appendItems,
  'services.*.dns_opt': appendItems,
  'services.*.dns_search': appendItems,
  'services.*.entrypoint': replace,
  'services.*.env_file': (base, over) => list([...fileItems(base), ...fileItems(over)], over.place),
  'services.*.label_file': appendItems,
  'services.*.environment': appendItems,
  'services.*.extra_hosts': appendNewItems,
  'services.*.healthcheck.test': replace,
  'services.*.labels': appendItems,
  'services.*.volumes.*.volume.labels': appendItems,
  'services.*.logging': mergeLogging,
  'services.*.models': mergeAsMaps(nothing),
  'services.*.networks': mergeAsMaps(nothing),
  'services.*.sysctls': appendItems,
  'services.*.tmpfs': appendItems,
  'services.*.ulimits.*': replace,
});

function fileItems(node: Node): readonly Node[] {
  return node.kind === 'list' ? node.items : isNull(node) ? [] : [node];
}
