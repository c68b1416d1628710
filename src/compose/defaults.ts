import { child, isNull, list, mapOf, type Node, scalar, withKey } from './node.ts';
import { patternTable, rewrite } from './pattern.ts';
import { showScalar } from './scalar.ts';

/** The model with the values that Docker Compose fills in after all files are merged. */
export function withDefaults(root: Node): Node {
  return rewrite(root, DEFAULTS);
}

/** The model in which the number of replicas stands in `deploy` too, when `scale` says it. */
export function withScales(root: Node): Node {
  return rewrite(root, SCALES);
}

const SCALES = patternTable<(node: Node) => Node>({
  'services.*': (node) => {
    const [scale, deploy] = [child(node, 'scale'), child(node, 'deploy')];
    if (node.kind !== 'map' || scale === undefined || isNull(scale) || deploy?.kind !== 'map') return node;
    return withKey(node, 'deploy', withKey(deploy, 'replicas', scale));
  },
});

const withDefault = (node: Node, key: string, value: string): Node =>
  node.kind !== 'map' || node.entries.has(key) ? node : withKey(node, key, scalar(value, node.place));

const deviceRequest = (node: Node): Node =>
  child(node, 'count') === undefined && child(node, 'device_ids') === undefined && node.kind === 'map'
    ? withKey(node, 'count', scalar(ALL_DEVICES, node.place))
    : node;

/** The Engine's number for "all of them". */
const ALL_DEVICES = -1;

const DEFAULTS = patternTable<(node: Node) => Node>({
  'services.*.build': (node) => withDefault(node, 'context', '.'),
  'services.*.secrets.*': (node) => {
    const source = child(node, 'source');
    return withDefault(
      node,
      'target',
      `/run/secrets/${source?.kind === 'scalar' ? showScalar(source.value) : ''}`,
    );
  },
  'services.*.ports.*': (node) => withDefault(withDefault(node, 'protocol', 'tcp'), 'mode', 'ingress'),
  'services.*.deploy.resources.reservations.devices.*': deviceRequest,
  'services.*.gpus': (node) =>
    node.kind === 'scalar' ? list([mapOf({ count: ALL_DEVICES }, node.place)], node.place) : node,
  'services.*.gpus.*': deviceRequest,
});
