import { type KeyPath, problemAt } from '../../problems.ts';
import { child, isNull, type Node, textOf } from '../node.ts';
import { type Check, deep, items } from './check.ts';

export function checkImage(service: Node, path: KeyPath, { problems }: Check): void {
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

export function checkNumbers(service: Node, path: KeyPath, { problems }: Check): void {
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

export function checkTargets(service: Node, path: KeyPath, { problems }: Check): void {
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

export function checkContainerNames(services: readonly [string, Node][], { problems }: Check): void {
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

/** Values that a schema takes for any text. */
export function checkValues(service: Node, path: KeyPath, { problems }: Check): void {
  const report = (node: Node, at: KeyPath, message: string, remedy?: string) =>
    problems.push(problemAt(node.place, [...path, ...at], message, remedy));
  for (const [index, port] of items(child(service, 'ports')).entries()) {
    const address = child(port, 'host_ip');
    const text = textOf(address);
    if (address !== undefined && text !== undefined && text !== '' && !isAddress(text))
      report(address, ['ports', index, 'host_ip'], `"${text}" is no IP address`);
  }
  for (const key of [['gpus'], ['deploy', 'resources', 'reservations', 'devices']]) {
    for (const [index, device] of items(deep(service, key)).entries()) {
      const ids = child(device, 'device_ids');
      if (ids !== undefined && child(device, 'count') !== undefined)
        report(ids, [...key, index], '"count" and "device_ids" exclude each other');
    }
  }
  for (const [index, host] of items(child(service, 'extra_hosts')).entries()) {
    if (!/^[^=]+=./.test(textOf(host) ?? '')) {
      const remedy = 'Write NAME=ADDRESS.';
      report(host, ['extra_hosts', index], 'an entry needs a name and an address', remedy);
    }
  }
  for (const [index, watch] of items(deep(service, ['develop', 'watch'])).entries()) {
    const action = child(watch, 'action');
    const isTargetless = ['rebuild', 'restart'].includes(textOf(action) ?? '');
    if (isNull(child(watch, 'target')) && !isTargetless)
      report(watch, ['develop', 'watch', index], 'the key "target" is missing', 'Add "target:".');
  }
}

function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split('.').every((part) => Number(part) <= 255);
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
}
