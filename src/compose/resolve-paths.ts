import { posix } from 'node:path';
import type { KeyPath } from '../problems.ts';
import { child, type MapNode, mapOf, type Node, scalar, textOf, withKey } from './node.ts';
import { patternTable, rewrite } from './pattern.ts';
import { clean } from './volume.ts';

/** Left alone, as Docker Compose does: the daemon may run elsewhere. */
const WINDOWS_PATH = /^([A-Za-z]:[\\/]|\\\\)/;

/**
 * The model with every path of the operator's machine absolute; `home` stands for `~`.
 *
 * @param onOwnFolder is told the names of volumes whose device was such a path.
 */
export function withAbsolutePaths(
  root: Node,
  folder: string,
  home: string,
  onOwnFolder: (volume: string) => void = () => {},
): Node {
  const mountPath = (node: Node): Node => {
    const written = textOf(node);
    if (written === undefined) return node;
    const text = written.startsWith('~') ? clean(posix.join(home, written.slice(1))) : written;
    const isAbsolute = posix.isAbsolute(text) || WINDOWS_PATH.test(text);
    return scalar(isAbsolute ? text : clean(posix.join(folder, text)), node.place);
  };
  const path = (node: Node): Node => (textOf(node) === '' ? node : mountPath(node));
  const context = (node: Node): Node => (isRemote(textOf(node) ?? '') ? node : path(node));
  return rewrite(
    root,
    patternTable<(node: Node, path: KeyPath) => Node>({
      'services.*.build.context': context,
      'services.*.build.additional_contexts.*': context,
      'services.*.build.ssh.*': mountPath,
      'services.*.env_file.*.path': path,
      'services.*.label_file.*': path,
      'services.*.extends.file': path,
      'services.*.develop.watch.*.path': path,
      'services.*.volumes.*': (node) => bindSource(node, mountPath),
      'configs.*.file': mountPath,
      'secrets.*.file': mountPath,
      'volumes.*': (node, [, name]) => {
        const bound = boundVolume(node, mountPath);
        if (deviceOf(bound) !== deviceOf(node)) onOwnFolder(`${name}`);
        return bound;
      },
    }),
  );
}

/** A Git or HTTP address, another service, or a context of the builder's own (`docker-image://`). */
export function isRemote(context: string): boolean {
  return /^(service:|https?:|git:|ssh:|github\.com\/|git@)/.test(context) || context.includes('://');
}

function bindSource(node: Node, path: (node: Node) => Node): Node {
  const source = child(node, 'source');
  if (node.kind !== 'map' || textOf(child(node, 'type')) !== 'bind' || source === undefined) return node;
  return withKey(node, 'source', path(source));
}

const deviceOf = (volume: Node) => textOf(child(child(volume, 'driver_opts'), 'device'));

/** `driver_opts: {o: bind, device: ./data}`: a bind mount in a volume's clothes. */
function boundVolume(node: Node, path: (node: Node) => Node): Node {
  const options = child(node, 'driver_opts');
  const device = child(options, 'device');
  if (node.kind !== 'map' || options?.kind !== 'map' || device === undefined) return node;
  if (textOf(child(node, 'driver')) !== 'local' || textOf(child(options, 'o')) !== 'bind') return node;
  return withKey(node, 'driver_opts', withKey(options, 'device', path(device)));
}

/** A model of nothing but services, for resolving the paths of some of them. */
export const servicesOnly = (services: Node): MapNode => mapOf({ services }, services.place);
