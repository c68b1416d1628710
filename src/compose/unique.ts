import type { KeyPath } from '../problems.ts';
import { child, list, type Node, textOf } from './node.ts';
import { rewrite } from './pattern.ts';
import { showScalar } from './scalar.ts';
import { parseVolume } from './volume.ts';

type Identity = (item: Node) => string | undefined;

const keyOf: Identity = (item) =>
  item.kind === 'scalar' ? showScalar(item.value).split('=', 1)[0] : undefined;

const value = (item: Node, key: string): string | undefined => {
  const node = child(item, key);
  return node?.kind === 'scalar' && node.value !== null ? showScalar(node.value) : undefined;
};

const mountTarget =
  (folder: string): Identity =>
  (item) => {
    const name = textOf(item);
    if (name !== undefined) return `${folder}/${name}`;
    return item.kind === 'map' ? (value(item, 'target') ?? `${folder}/${value(item, 'source')}`) : undefined;
  };

const volumeTarget: Identity = (item) => {
  const text = textOf(item);
  return text === undefined ? value(item, 'target') : parseVolume(text)?.target;
};

const deviceTarget: Identity = (item) => {
  const parts = textOf(item)?.split(':');
  return parts === undefined ? value(item, 'target') : (parts[1] ?? parts[0]);
};

const portIdentity: Identity = (item) => {
  if (item.kind === 'scalar') return showScalar(item.value);
  const published = value(item, 'published') ?? '';
  return `${value(item, 'host_ip') ?? '0.0.0.0'}:${published}:${value(item, 'target')}/${value(item, 'protocol') ?? 'tcp'}`;
};

const envFilePath: Identity = (item) => textOf(item) ?? value(item, 'path');

/** Lists in which one item per identity counts: the last one, in the place of the first. */
const IDENTITIES: Readonly<Record<string, Identity>> = {
  'networks.*.labels': keyOf,
  'networks.*.ipam.options': keyOf,
  'services.*.annotations': keyOf,
  'services.*.build.args': keyOf,
  'services.*.build.additional_contexts': keyOf,
  'services.*.build.tags': keyOf,
  'services.*.build.labels': keyOf,
  'services.*.cap_add': keyOf,
  'services.*.cap_drop': keyOf,
  'services.*.configs': mountTarget(''),
  'services.*.deploy.labels': keyOf,
  'services.*.devices': deviceTarget,
  'services.*.dns': keyOf,
  'services.*.dns_opt': keyOf,
  'services.*.dns_search': keyOf,
  'services.*.env_file': envFilePath,
  'services.*.environment': keyOf,
  'services.*.expose': (item) => (item.kind === 'scalar' ? showScalar(item.value) : undefined),
  'services.*.labels': keyOf,
  'services.*.links': keyOf,
  'services.*.networks.*.aliases': keyOf,
  'services.*.networks.*.link_local_ips': keyOf,
  'services.*.ports': portIdentity,
  'services.*.profiles': keyOf,
  'services.*.secrets': mountTarget('/run/secrets'),
  'services.*.sysctls': keyOf,
  'services.*.tmpfs': keyOf,
  'services.*.volumes': volumeTarget,
};

function keepLast(node: Node, identity: Identity): Node {
  if (node.kind !== 'list') return node;
  const items: Node[] = [];
  const positions = new Map<string, number>();
  for (const item of node.items) {
    const key = identity(item);
    const known = key === undefined ? undefined : positions.get(key);
    if (known !== undefined) items[known] = item;
    else {
      if (key !== undefined) positions.set(key, items.length);
      items.push(item);
    }
  }
  return list(items, node.place);
}

const TABLE = Object.entries(IDENTITIES).map(
  ([pattern, identity]) =>
    [pattern.split('.'), (node: Node, _path: KeyPath) => keepLast(node, identity)] as const,
);

/** The model with redefinitions inside lists removed (Compose Specification, "Unique resources"). */
export function withoutRedefinitions(root: Node): Node {
  return rewrite(root, TABLE);
}
