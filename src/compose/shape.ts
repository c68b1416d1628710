import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseBytes, parseDuration, showDuration } from '../units.ts';
import { toItems, toMapping } from './mapping.ts';
import {
  isNull,
  list,
  map,
  mapOf,
  mapValues,
  type Node,
  type Scalar,
  scalar,
  textOf,
  withKey,
} from './node.ts';
import { type PatternTable, patternTable, rewrite } from './pattern.ts';
import { showNode, showScalar } from './scalar.ts';
import { splitWords } from './shell-words.ts';

/**
 * The model with every value in the one form in which `docker compose config --format json` prints it: durations as
 * `1m30s`, sizes as text of bytes, commands as lists, mappings of text. What cannot be read becomes a problem.
 */
export function withCanonicalValues(root: Node): {
  readonly root: Node;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const rules: Rules = patternTable({
    ...SIMPLE,
    ...each(DURATIONS, (node, path) => duration(node, path, problems)),
    ...each(SIZES, (node, path) => size(node, path, problems)),
    ...each(COMMANDS, (node, path) => command(node, path, problems)),
  });
  return { root: withoutEmpty(rewrite(root, rules)), problems };
}

type Rules = PatternTable<(node: Node, path: KeyPath) => Node | undefined>;
type Rule = (node: Node, path: KeyPath) => Node | undefined;

const each = (paths: readonly string[], rule: Rule): Record<string, Rule> =>
  Object.fromEntries(paths.map((path) => [path, rule]));

const DURATIONS = [
  ...['interval', 'timeout', 'start_period', 'start_interval'].map((key) => `services.*.healthcheck.${key}`),
  'services.*.stop_grace_period',
  ...['update_config', 'rollback_config'].flatMap((key) => [
    `services.*.deploy.${key}.delay`,
    `services.*.deploy.${key}.monitor`,
  ]),
  'services.*.deploy.restart_policy.delay',
  'services.*.deploy.restart_policy.window',
];

const SIZES = [
  ...['mem_limit', 'mem_reservation', 'memswap_limit', 'mem_swappiness', 'shm_size', 'build.shm_size'].map(
    (key) => `services.*.${key}`,
  ),
  'services.*.volumes.*.tmpfs.size',
  'services.*.deploy.resources.limits.memory',
  'services.*.deploy.resources.reservations.memory',
  ...['read_bps', 'read_iops', 'write_bps', 'write_iops'].map(
    (key) => `services.*.blkio_config.device_${key}.*.Rate`,
  ),
];

const COMMANDS = [
  'services.*.command',
  'services.*.entrypoint',
  'services.*.post_start.*.command',
  'services.*.pre_stop.*.command',
  'services.*.develop.watch.*.exec.command',
];

const texts: Rule = (node) => toMapping(node, '') ?? node;
const textsOrNull: Rule = (node) => toMapping(node, null) ?? node;
const text: Rule = (node) =>
  node.kind === 'scalar' && node.value !== null ? scalar(showNode(node), node.place) : node;
const number: Rule = (node) => {
  const value = textOf(node);
  return value !== undefined && value.trim() !== '' && Number.isFinite(Number(value))
    ? scalar(Number(value), node.place)
    : node;
};

const octal: Rule = (node) => {
  if (node.kind !== 'scalar') return node;
  const mode = typeof node.value === 'number' ? node.value : Number.parseInt(showScalar(node.value), 8);
  return Number.isInteger(mode) ? scalar(`0${mode.toString(8)}`, node.place) : node;
};

const SIMPLE: Readonly<Record<string, Rule>> = {
  ...each(
    ['environment', 'build.args', 'post_start.*.environment', 'pre_stop.*.environment'].map(
      (key) => `services.*.${key}`,
    ),
    textsOrNull,
  ),
  ...each(
    [
      ...[
        'labels',
        'annotations',
        'sysctls',
        'build.labels',
        'build.additional_contexts',
        'deploy.labels',
        'storage_opt',
      ].map((key) => `services.*.${key}`),
      'services.*.logging.options',
      'services.*.volumes.*.volume.labels',
      'services.*.networks.*.driver_opts',
      ...['networks', 'volumes', 'configs', 'secrets'].flatMap((key) => [
        `${key}.*.labels`,
        `${key}.*.driver_opts`,
      ]),
    ],
    texts,
  ),
  ...each(
    [
      'services.*.expose.*',
      'services.*.group_add.*',
      'services.*.ports.*.published',
      'services.*.deploy.resources.limits.pids',
    ],
    text,
  ),
  ...each(
    [
      'services.*.cpus',
      'services.*.deploy.replicas',
      'services.*.deploy.resources.limits.cpus',
      'services.*.deploy.resources.limits.pids',
      'services.*.deploy.resources.reservations.cpus',
    ],
    number,
  ),
  'services.*.ports.*.target': number,
  'services.*.provider.options': multiple,
  'services.*.build.ssh': sshKeys,
  'services.*.develop.watch.*': (node) => withNull(node, 'exec'),
  'services.*.develop.watch.*.exec': (node) =>
    withNull(isNull(node) ? mapOf({}, node.place) : node, 'command'),
  'services.*.extra_hosts': hostItems,
  'services.*.build.extra_hosts': hostItems,
  'services.*.secrets.*.mode': octal,
  'services.*.configs.*.mode': octal,
  'services.*.build.secrets.*.mode': octal,
  ...each(
    ['read_bps', 'read_iops', 'write_bps', 'write_iops'].map(
      (key) => `services.*.blkio_config.device_${key}.*`,
    ),
    (node) => renamed(node, { path: 'Path', rate: 'Rate' }),
  ),
  'services.*.blkio_config.weight_device.*': (node) => renamed(node, { path: 'Path', weight: 'Weight' }),
  ...each(
    ['update_config', 'rollback_config'].map((key) => `services.*.deploy.${key}`),
    (node) => withoutZero(node, 'delay', 'monitor'),
  ),
  'services.*.healthcheck.test': healthTest,
  ...each(['services.*.ulimits.*', 'services.*.build.ulimits.*'], (node) =>
    node.kind === 'scalar' && node.value === 0 ? mapOf({}, node.place) : node,
  ),
  'services.*.deploy': (node) =>
    node.kind === 'map' ? ensureMaps(node, 'resources', 'placement') : undefined,
  'networks.*': (node) => (node.kind === 'map' ? ensureMaps(node, 'ipam') : node),
  'services.*': (node) => withNull(withNull(node, 'command'), 'entrypoint'),
};

/** Docker Compose prints these in its Go names. */
function renamed(node: Node, names: Readonly<Record<string, string>>): Node {
  if (node.kind !== 'map') return node;
  return map(
    [...node.entries].map(([key, entry]) => [names[key] ?? key, entry]),
    node.place,
  );
}

/** Docker Compose does not tell these durations from absent ones. */
function withoutZero(node: Node, ...keys: readonly string[]): Node {
  if (node.kind !== 'map') return node;
  return mapValues(node, (value, key) => {
    const isZero = value.kind === 'scalar' && parseDuration(showScalar(value.value)) === 0;
    return keys.includes(key) && isZero ? undefined : value;
  });
}

/** Docker Compose prints these keys in any case. */
function withNull(node: Node, key: string): Node {
  if (node.kind !== 'map' || node.entries.has(key)) return node;
  return withKey(node, key, scalar(null, node.place));
}

/** `default`, or `ID=PATH`. (Docker Compose 2.40 fails at printing an item with a path as JSON.) */
function sshKeys(node: Node): Node {
  if (node.kind !== 'map') return node;
  const items = [...node.entries].map(([id, { value }]) => {
    const path = textOf(value) ?? '';
    return scalar(path === '' ? id : `${id}=${path}`, value.place);
  });
  return list(items, node.place);
}

function multiple(node: Node): Node {
  if (node.kind !== 'map') return node;
  return mapValues(node, (value) => {
    const items = value.kind === 'list' ? value.items : [value];
    return list(
      items.map((item) => text(item, []) ?? item),
      value.place,
    );
  });
}

function ensureMaps(node: Node & { kind: 'map' }, ...keys: readonly string[]): Node {
  return keys.reduce(
    (own, key) => (own.entries.has(key) ? own : withKey(own, key, mapOf({}, node.place))),
    node,
  );
}

function hostItems(node: Node): Node {
  const items = toItems(node).flatMap((item) => {
    const written = textOf(item) ?? '';
    const [, host = written, addresses = ''] = /^([^=:]*)[=:](.*)$/s.exec(written) ?? [];
    return addresses
      .split(',')
      .map((address) => scalar(`${host}=${address.replace(/^\[(.*)\]$/, '$1')}`, item.place));
  });
  return list(
    items.sort((a, b) => (showScalar(a.value) < showScalar(b.value) ? -1 : 1)),
    node.place,
  );
}

function healthTest(node: Node): Node {
  const line = textOf(node);
  return line === undefined ? node : list([scalar('CMD-SHELL', node.place), node], node.place);
}

function duration(node: Node, path: KeyPath, problems: Problem[]): Node {
  if (node.kind !== 'scalar' || node.value === null) return node;
  const nanoseconds = parseDuration(showScalar(node.value));
  if (nanoseconds !== undefined) return scalar(showDuration(nanoseconds), node.place);
  problems.push(
    problemAt(
      node.place,
      path,
      `"${showScalar(node.value)}" is no duration`,
      'Write a number with a unit, such as 30s or 1m30s.',
    ),
  );
  return node;
}

function size(node: Node, path: KeyPath, problems: Problem[]): Node {
  if (node.kind !== 'scalar' || node.value === null) return node;
  const written = showScalar(node.value);
  const bytes = written === '-1' ? -1 : parseBytes(written);
  if (bytes !== undefined) return scalar(`${bytes}`, node.place);
  problems.push(
    problemAt(
      node.place,
      path,
      `"${written}" is no size`,
      'Write bytes, or a number with a unit, such as 512M or 2g.',
    ),
  );
  return node;
}

function command(node: Node, path: KeyPath, problems: Problem[]): Node {
  const line = textOf(node);
  if (line === undefined) return node;
  const split = splitWords(line);
  const isRefused = typeof split === 'string';
  if (isRefused)
    problems.push(problemAt(node.place, path, split, 'Put it in quotation marks. For a shell: sh -c "…"'));
  else if (split.end !== undefined) {
    const text = `Docker Compose ends the command at "${split.end}", for no shell reads it`;
    const problem = problemAt(node.place, path, text, `For a shell write: sh -c '…'`);
    problems.push({ ...problem, severity: 'warning' });
  }
  return list(
    (isRefused ? [] : split.words).map((word) => scalar(word, node.place)),
    node.place,
  );
}

/** Keys whose empty value says something else than their absence. */
const MEANT_EMPTY = new Set([
  'attach',
  'command',
  'entrypoint',
  'init',
  'scale',
  'replicas',
  'enable_ipv4',
  'enable_ipv6',
  'parallelism',
  'retries',
  'required',
]);
const MAPPINGS = new Set([
  'environment',
  'labels',
  'args',
  'sysctls',
  'annotations',
  'options',
  'driver_opts',
  'aux_addresses',
]);
const KEPT_MAPS = new Set([
  'volume',
  'bind',
  'tmpfs',
  'ipam',
  'placement',
  'resources',
  'limits',
  'reservations',
  'healthcheck',
  'deploy',
  'build',
  'logging',
  'develop',
  'restart_policy',
  'update_config',
  'rollback_config',
]);

const isEmptyValue = (value: Scalar) => value === false || value === 0 || value === '' || value === null;

/** Without the values that say nothing (`false`, `0`, empty), as Docker Compose leaves them out. */
function withoutEmpty(node: Node, path: KeyPath = []): Node {
  const key = path.at(-1);
  if (node.kind === 'list')
    return list(
      node.items.map((item, index) => withoutEmpty(item, [...path, index])),
      node.place,
    );
  if (node.kind !== 'map' || (typeof key === 'string' && (MAPPINGS.has(key) || key.startsWith('x-'))))
    return node;
  const isNamed =
    path.length === 1 ||
    (path.length === 3 && (key === 'networks' || key === 'models')) ||
    (path.length >= 3 && key === 'ulimits');
  return mapValues(node, (value, name) => {
    const inner = withoutEmpty(value, [...path, name]);
    if (isNamed || MEANT_EMPTY.has(name) || name.startsWith('x-')) return inner;
    if (inner.kind === 'scalar') return isEmptyValue(inner.value) ? undefined : inner;
    if (inner.kind === 'list') return inner.items.length === 0 ? undefined : inner;
    return inner.entries.size === 0 && !KEPT_MAPS.has(name) && path.length > 0 && !isNamed
      ? undefined
      : inner;
  });
}
