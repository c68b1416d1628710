import type { Lookup } from './interpolate.ts';
import { toMapping } from './mapping.ts';
import {
  child,
  isNull,
  type MapNode,
  map,
  mapOf,
  mapValues,
  type Node,
  scalar,
  textOf,
  withKey,
  withoutKeys,
} from './node.ts';
import { clean } from './volume.ts';

/** What Docker Compose makes explicit after loading: implicit networks and dependencies, names, values from outside. */
export function normalize(root: MapNode, project: string, lookup: Lookup): MapNode {
  const services = child(root, 'services') ?? map([], root.place);
  // Docker Compose prints no models.
  let model = withKey(withoutKeys(root, 'models'), 'name', scalar(project, root.place));
  if (services.kind === 'map') {
    const normal = mapValues(services, (service) =>
      service.kind === 'map' ? normalizeService(service, lookup) : service,
    );
    model = withKey(withDefaultNetwork(model, normal), 'services', normal);
  }
  for (const section of ['networks', 'volumes', 'configs', 'secrets']) {
    const resources = child(model, section);
    if (resources?.kind !== 'map') continue;
    model = withKey(
      model,
      section,
      mapValues(resources, (resource, key) => named(resource, key, project)),
    );
  }
  return model;
}

function normalizeService(service: MapNode, lookup: Lookup): MapNode {
  let result = withNetworks(service);
  const policy = child(result, 'pull_policy');
  if (textOf(policy) === 'if_not_present')
    result = withKey(result, 'pull_policy', scalar('missing', policy?.place ?? service.place));
  const build = child(result, 'build');
  if (build?.kind === 'map') result = withKey(result, 'build', normalizeBuild(build, lookup));
  const environment = child(result, 'environment');
  if (environment !== undefined) result = withKey(result, 'environment', resolved(environment, lookup, true));
  const volumes = child(result, 'volumes');
  if (volumes?.kind === 'list')
    result = withKey(result, 'volumes', { ...volumes, items: volumes.items.map(withCleanTarget) });
  return withDependencies(result);
}

function withNetworks(service: MapNode): MapNode {
  if (service.entries.has('network_mode') || service.entries.has('provider')) return service;
  const networks = child(service, 'networks');
  if (networks?.kind === 'map' && networks.entries.size > 0) return service;
  return withKey(service, 'networks', mapOf({ default: null }, networks?.place ?? service.place));
}

function withDefaultNetwork(root: MapNode, services: MapNode): MapNode {
  const isUsed = [...services.entries.values()].some(
    ({ value }) => child(child(value, 'networks'), 'default') !== undefined,
  );
  const networks = child(root, 'networks');
  if (!isUsed || child(networks, 'default') !== undefined) return root;
  const own = networks?.kind === 'map' ? networks : map([], root.place);
  return withKey(root, 'networks', withKey(own, 'default', scalar(null, root.place)));
}

function normalizeBuild(build: MapNode, lookup: Lookup): MapNode {
  const needsFile = !build.entries.has('dockerfile') && !build.entries.has('dockerfile_inline');
  const named_ = needsFile ? withKey(build, 'dockerfile', scalar('Dockerfile', build.place)) : build;
  const args = child(named_, 'args');
  return args === undefined ? named_ : withKey(named_, 'args', resolved(args, lookup, false));
}

/** `NAME` without a value takes it from outside; without one there it stays empty, or goes. */
function resolved(node: Node, lookup: Lookup, keepsUnset: boolean): Node {
  const mapping = toMapping(node, null);
  if (mapping === undefined) return node;
  return mapValues(mapping, (value, name) => {
    if (!isNull(value)) return value;
    const outside = lookup(name);
    return outside === undefined ? (keepsUnset ? value : undefined) : scalar(outside, value.place);
  });
}

function withCleanTarget(volume: Node): Node {
  const target = textOf(child(volume, 'target'));
  if (volume.kind !== 'map' || target === undefined) return volume;
  return withKey(volume, 'target', scalar(clean(target), child(volume, 'target')?.place ?? volume.place));
}

function withDependencies(service: MapNode): MapNode {
  const written = child(service, 'depends_on');
  const own = written?.kind === 'map' ? written : map([], service.place);
  let all = own;
  const add = (name: string, node: Node, restart: boolean) => {
    const dependency = { condition: 'service_started', restart: restart || undefined, required: true };
    if (!all.entries.has(name)) all = withKey(all, name, mapOf(dependency, node.place));
  };
  for (const item of items(child(service, 'links'))) add(textOf(item)?.split(':')[0] ?? '', item, true);
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const node = child(service, key);
    const text = textOf(node);
    if (node !== undefined && text?.startsWith('service:')) add(text.slice('service:'.length), node, true);
  }
  for (const item of items(child(service, 'volumes_from'))) {
    const text = textOf(item) ?? '';
    if (!text.startsWith('container:')) add(text.split(':')[0] ?? '', item, false);
  }
  return all.entries.size === 0 ? service : withKey(service, 'depends_on', all);
}

const items = (node: Node | undefined): readonly Node[] => (node?.kind === 'list' ? node.items : []);

function named(resource: Node, key: string, project: string): Node {
  const own = resource.kind === 'map' ? resource : map([], resource.place);
  if (!isNull(child(own, 'name'))) return own;
  const external = child(own, 'external');
  const isExternal = external?.kind === 'scalar' && external.value === true;
  return withKey(own, 'name', scalar(isExternal ? key : `${project}_${key}`, resource.place));
}
