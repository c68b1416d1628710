import { nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { child, isNull, type MapNode, type Node, textOf } from './node.ts';

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
  }
  checkContainerNames(services, check);
  checkCircles(services, check);
  for (const section of ['configs', 'secrets']) checkFileObjects(section, check);
  return check.problems;
}

interface Check {
  readonly root: MapNode;
  readonly names: readonly string[];
  readonly disabled: ReadonlySet<string>;
  readonly problems: Problem[];
}

function entries(node: Node | undefined): readonly [string, Node][] {
  return node?.kind === 'map' ? [...node.entries].map(([key, entry]) => [key, entry.value]) : [];
}

const items = (node: Node | undefined): readonly Node[] => (node?.kind === 'list' ? node.items : []);

function guess(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

function checkImage(service: Node, path: KeyPath, { problems }: Check): void {
  const build = child(service, 'build');
  if (isNull(build) && isNull(child(service, 'image')) && isNull(child(service, 'provider'))) {
    problems.push(
      problemAt(service.place, path, 'the service has neither "image:" nor "build:"', 'Add one of them.'),
    );
  }
  const inline = child(build, 'dockerfile_inline');
  if (inline !== undefined && child(build, 'dockerfile') !== undefined) {
    problems.push(
      problemAt(
        inline.place,
        [...path, 'build', 'dockerfile_inline'],
        '"dockerfile" and "dockerfile_inline" exclude each other',
      ),
    );
  }
  const platforms = items(child(build, 'platforms')).map(textOf);
  const platform = child(service, 'platform');
  if (platforms.length > 0 && platform !== undefined && !platforms.includes(textOf(platform))) {
    const message = `the image is not built for "${textOf(platform)}"`;
    problems.push(problemAt(platform.place, [...path, 'platform'], message, 'Add it to "build.platforms".'));
  }
  const test = child(child(service, 'healthcheck'), 'test');
  const first = textOf(items(test)[0]);
  if (test !== undefined && first !== undefined && !['CMD', 'CMD-SHELL', 'NONE'].includes(first)) {
    const remedy = 'Put CMD before the program, or write the test as one text to run it in a shell.';
    problems.push(
      problemAt(
        test.place,
        [...path, 'healthcheck', 'test'],
        `a test must start with CMD, CMD-SHELL or NONE, not "${first}"`,
        remedy,
      ),
    );
  }
}

function checkReferences(service: Node, path: KeyPath, { root, problems }: Check): void {
  const refer = (node: Node, at: KeyPath, name: string, section: string, noun: string) => {
    const known = entries(child(root, section)).map(([key]) => key);
    if (known.includes(name)) return;
    const remedy = `Declare it under the top-level "${section}:".`;
    problems.push(problemAt(node.place, at, `there is no ${noun} "${name}"${guess(name, known)}`, remedy));
  };
  const networks = child(service, 'networks');
  if (networks?.kind === 'map') {
    for (const [name, entry] of networks.entries) {
      refer({ ...entry.value, place: entry.key }, [...path, 'networks', name], name, 'networks', 'network');
    }
    const mode = child(service, 'network_mode');
    if (mode !== undefined)
      problems.push(
        problemAt(mode.place, [...path, 'network_mode'], '"network_mode" and "networks" exclude each other'),
      );
  }
  items(child(service, 'volumes')).forEach((volume, index) => {
    const source = child(volume, 'source');
    const name = textOf(source);
    if (textOf(child(volume, 'type')) === 'volume' && source !== undefined && name !== undefined) {
      refer(source, [...path, 'volumes', index], name, 'volumes', 'volume');
    }
  });
  for (const [section, noun] of [
    ['configs', 'config'],
    ['secrets', 'secret'],
  ] as const) {
    items(child(service, section)).forEach((item, index) => {
      const source = child(item, 'source');
      if (source !== undefined) refer(source, [...path, section, index], textOf(source) ?? '', section, noun);
    });
  }
}

function checkDependencies(service: Node, name: string, { names, disabled, problems }: Check): void {
  const dependencies = child(service, 'depends_on');
  if (dependencies?.kind !== 'map') return;
  for (const [other, entry] of dependencies.entries) {
    const path = ['services', name, 'depends_on', other];
    const required = child(entry.value, 'required');
    const isRequired = !(required?.kind === 'scalar' && required.value === false);
    if (child(entry.value, 'condition') === undefined) {
      problems.push(
        problemAt(entry.key, path, 'the key "condition" is missing', 'Add "condition: service_started".'),
      );
    }
    if (names.includes(other)) continue;
    if (disabled.has(other)) {
      const remedy = `Activate its profile with --profile, or write "required: false" beside the dependency.`;
      if (isRequired)
        problems.push(problemAt(entry.key, path, `the service "${other}" is in no active profile`, remedy));
    } else problems.push(problemAt(entry.key, path, `there is no service "${other}"${guess(other, names)}`));
  }
}

function checkNumbers(service: Node, path: KeyPath, { problems }: Check): void {
  const pairs = [
    [['scale'], ['deploy', 'replicas']],
    [['cpus'], ['deploy', 'resources', 'limits', 'cpus']],
    [['mem_limit'], ['deploy', 'resources', 'limits', 'memory']],
    [['mem_reservation'], ['deploy', 'resources', 'reservations', 'memory']],
    [['pids_limit'], ['deploy', 'resources', 'limits', 'pids']],
  ] as const;
  for (const [short, long] of pairs) {
    const [left, right] = [deep(service, short), deep(service, long)];
    if (left?.kind !== 'scalar' || right?.kind !== 'scalar' || `${left.value}` === `${right.value}`) continue;
    problems.push(
      problemAt(
        left.place,
        [...path, ...short],
        `"${short.join('.')}" and "${long.join('.')}" differ`,
        'Keep one of them.',
      ),
    );
  }
  for (const key of [['scale'], ['deploy', 'replicas']]) {
    const node = deep(service, key);
    if (
      node?.kind !== 'scalar' ||
      (typeof node.value === 'number' && Number.isInteger(node.value) && node.value >= 0)
    )
      continue;
    if (node.value !== null)
      problems.push(
        problemAt(
          node.place,
          [...path, ...key],
          `the number of replicas must be 0 or more, not ${node.value}`,
        ),
      );
  }
}

function deep(node: Node | undefined, path: readonly string[]): Node | undefined {
  return path.reduce<Node | undefined>((current, key) => child(current, key), node);
}

function checkTargets(service: Node, path: KeyPath, { problems }: Check): void {
  const seen = new Set<string>();
  const visit = (node: Node, key: string, index: number, target: string) => {
    if (seen.has(target))
      problems.push(
        problemAt(node.place, [...path, key, index], `something else is mounted at ${target} already`),
      );
    seen.add(target);
  };
  for (const [index, item] of items(child(service, 'tmpfs')).entries()) {
    visit(item, 'tmpfs', index, textOf(item)?.split(':')[0] ?? '');
  }
  items(child(service, 'volumes')).forEach((item, index) => {
    const target = textOf(child(item, 'target'));
    if (target === undefined)
      problems.push(problemAt(item.place, [...path, 'volumes', index], 'the key "target" is missing'));
    else visit(item, 'volumes', index, target);
  });
}

function checkContainerNames(services: readonly [string, Node][], { problems }: Check): void {
  const owners = new Map<string, string>();
  for (const [name, service] of services) {
    const node = child(service, 'container_name');
    const text = textOf(node);
    if (node === undefined || text === undefined) continue;
    const owner = owners.get(text);
    if (owner !== undefined) {
      const message = `the service "${owner}" has the container name "${text}" already`;
      problems.push(problemAt(node.place, ['services', name, 'container_name'], message));
    }
    owners.set(text, name);
  }
}

function checkCircles(services: readonly [string, Node][], { problems }: Check): void {
  const edges = new Map(
    services.map(([name, service]) => [name, entries(child(service, 'depends_on')).map(([other]) => other)]),
  );
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]) => {
    const at = trail.indexOf(name);
    if (at !== -1) {
      const circle = [...trail.slice(at), name];
      const service = services.find(([own]) => own === trail.at(-1))?.[1];
      const node = child(service, 'depends_on');
      const path = ['services', trail.at(-1) ?? '', 'depends_on', name];
      if (node !== undefined)
        problems.push(
          problemAt(
            node.place,
            path,
            `these services depend on each other in a circle: ${circle.join(' → ')}`,
          ),
        );
      return;
    }
    if (done.has(name)) return;
    for (const other of edges.get(name) ?? []) visit(other, [...trail, name]);
    done.add(name);
  };
  for (const [name] of services) visit(name, []);
}

function checkFileObjects(section: string, { root, problems }: Check): void {
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
