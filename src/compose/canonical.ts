import type { KeyPath, Problem } from '../problems.ts';
import { problemAt } from '../problems.ts';
import { asList, namesToMap, toMapping } from './mapping.ts';
import { startedDependency } from './merge.ts';
import { child, list, mapOf, type Node, type Scalar, scalar, textOf, withKey } from './node.ts';
import { patternTable, rewrite } from './pattern.ts';
import { parsePorts } from './ports.ts';
import { showScalar } from './scalar.ts';
import { parseVolume } from './volume.ts';

/** Every short form in its long form; what cannot be read stays as it is, with a problem. */
export function toLongForms(root: Node): { readonly root: Node; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report = (node: Node, path: KeyPath, message: string) =>
    problems.push(problemAt(node.place, path, message));
  const long = rewrite(root, [...FORMS, ...reportingForms(report)]);
  return { root: long, problems };
}

type Report = (node: Node, path: KeyPath, message: string) => void;

const stringList = (node: Node): Node => asList(node);
const nothing = (item: Node): Node => scalar(null, item.place);
const named = (node: Node): Node => (textOf(node) === undefined ? node : mapOf({ source: node }, node.place));
const asText = (node: Node): Node =>
  node.kind === 'scalar' ? scalar(showScalar(node.value), node.place) : node;

const envFile = (node: Node): Node => {
  const items = node.kind === 'list' ? node.items : [node];
  const long = items.map((item) => {
    if (textOf(item) !== undefined) return mapOf({ path: item, required: true }, item.place);
    return withDefault(item, 'required', true);
  });
  return list(long, node.place);
};

function withDefault(node: Node, key: string, value: Scalar): Node {
  return node.kind !== 'map' || node.entries.has(key) ? node : withKey(node, key, scalar(value, node.place));
}

/** The old `external: {name: X}`. */
function external(node: Node, path: KeyPath, report: Report): Node {
  const written = child(node, 'external');
  if (node.kind !== 'map' || written?.kind !== 'map') return node;
  const [name, own] = [child(written, 'name'), child(node, 'name')];
  if (name !== undefined && own !== undefined && textOf(name) !== textOf(own))
    report(name, [...path, 'external', 'name'], '"name" and "external.name" differ');
  const plain = withKey(node, 'external', scalar(true, written.place));
  return name === undefined || own !== undefined ? plain : withKey(plain, 'name', name);
}

/** `NAME =value` in a list is a slip: Docker Compose refuses it. */
function withCleanNames(node: Node, path: KeyPath, report: Report): Node {
  for (const [index, item] of (node.kind === 'list' ? node.items : []).entries()) {
    const name = textOf(item)?.split('=', 1)[0] ?? '';
    if (/\s$/.test(name)) report(item, [...path, index], `the name "${name}" ends with a space`);
  }
  return node;
}

const FORMS = patternTable<(node: Node, path: KeyPath) => Node>({
  'services.*.build': (node) => (textOf(node) === undefined ? node : mapOf({ context: node }, node.place)),
  'services.*.build.secrets.*': named,
  'services.*.gpus.*.count': deviceCount,
  'services.*.deploy.resources.reservations.devices.*.count': deviceCount,
  'services.*.build.ssh': (node) => toMapping(node, null) ?? node,
  'services.*.build.provenance': asText,
  'services.*.build.sbom': asText,
  'services.*.build.additional_contexts': (node) => toMapping(node, '') ?? node,
  'services.*.depends_on': (node) => namesToMap(node, startedDependency) ?? node,
  'services.*.depends_on.*': (node) => withDefault(node, 'required', true),
  'services.*.env_file': envFile,
  'services.*.label_file': stringList,
  'services.*.networks': (node) => namesToMap(node, nothing) ?? node,
  'services.*.models': (node) => namesToMap(node, nothing) ?? node,
  'services.*.dns': stringList,
  'services.*.dns_search': stringList,
  'services.*.tmpfs': stringList,
  'services.*.devices.*': deviceForm,
  'services.*.secrets.*': named,
  'services.*.configs.*': named,
  'services.*.extends': (node) => (textOf(node) === undefined ? node : mapOf({ service: node }, node.place)),
  'services.*.develop.watch.*.ignore': stringList,
  'services.*.develop.watch.*.include': stringList,
});

/** The Engine's number for "all of them". */
const ALL_DEVICES = -1;

function deviceCount(node: Node): Node {
  const text = textOf(node);
  if (text?.toLowerCase() === 'all') return scalar(ALL_DEVICES, node.place);
  return text !== undefined && /^-?\d+$/.test(text) ? scalar(Number(text), node.place) : node;
}

function deviceForm(node: Node): Node {
  const text = textOf(node);
  if (text === undefined) return node;
  const [source = '', target, permissions] = text.split(':');
  return mapOf({ source, target: target ?? source, permissions: permissions ?? 'rwm' }, node.place);
}

const reportingForms = (report: Report) =>
  patternTable<(node: Node, path: KeyPath) => Node>({
    ...Object.fromEntries(
      ['volumes.*', 'networks.*', 'secrets.*', 'configs.*'].map((key) => [
        key,
        (node: Node, path: KeyPath) => external(node, path, report),
      ]),
    ),
    'services.*.environment': (node, path) => withCleanNames(node, path, report),
    'services.*.build.args': (node, path) => withCleanNames(node, path, report),
    'services.*.ports': (node, path) => {
      if (node.kind !== 'list') return node;
      const items = node.items.flatMap((item, index) => portForms(item, [...path, index], report));
      return list(items, node.place);
    },
    'services.*.volumes.*': (node, path) => {
      const text = textOf(node);
      if (text === undefined) return node;
      const spec = parseVolume(text);
      if (spec === undefined)
        report(node, path, `"${text}" is no volume; write "SOURCE:TARGET" or "SOURCE:TARGET:ro"`);
      if (spec === undefined) return node;
      const bind = spec.type === 'bind' ? { create_host_path: true } : {};
      const { propagation, selinux } = spec;
      const hasBind = spec.type === 'bind' || propagation !== undefined || selinux !== undefined;
      return mapOf(
        {
          type: spec.type,
          source: spec.source,
          target: spec.target,
          read_only: spec.readOnly || undefined,
          volume:
            spec.type === 'volume' ? mapOf({ nocopy: spec.noCopy || undefined }, node.place) : undefined,
          bind: hasBind ? mapOf({ ...bind, propagation, selinux }, node.place) : undefined,
        },
        node.place,
      );
    },
  });

function portForms(item: Node, path: KeyPath, report: Report): readonly Node[] {
  if (item.kind !== 'scalar' || item.value === null) return [item];
  const parsed = parsePorts(showScalar(item.value));
  if (typeof parsed === 'string') {
    report(item, path, parsed);
    return [item];
  }
  return parsed.map((port) => mapOf({ ...port }, item.place));
}
