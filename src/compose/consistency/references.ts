import { type KeyPath, problemAt } from '../../problems.ts';
import { child, type Node, textOf } from '../node.ts';
import { type Check, entries, guess, items } from './check.ts';

export function checkReferences(service: Node, path: KeyPath, { root, problems }: Check): void {
  const refer = (node: Node, at: KeyPath, name: string, section: string, noun: string) => {
    const known = entries(child(root, section)).map(([key]) => key);
    if (known.includes(name)) return;
    const remedy = `Declare it under the top-level "${section}:".`;
    problems.push(problemAt(node.place, at, `there is no ${noun} "${name}"${guess(name, known)}`, remedy));
  };
  const mode = child(service, 'network_mode');
  const networks = child(service, 'networks');
  if (networks?.kind === 'map') {
    for (const [name, entry] of networks.entries) {
      refer({ ...entry.value, place: entry.key }, [...path, 'networks', name], name, 'networks', 'network');
    }
    if (mode !== undefined)
      problems.push(
        problemAt(mode.place, [...path, 'network_mode'], '"network_mode" and "networks" exclude each other'),
      );
  }
  const build = child(service, 'build');
  for (const [index, item] of items(child(build, 'secrets')).entries()) {
    const source = child(item, 'source');
    if (source !== undefined)
      refer(source, [...path, 'build', 'secrets', index], textOf(source) ?? '', 'secrets', 'secret');
  }
  for (const [name, context] of entries(child(build, 'additional_contexts'))) {
    const target = /^service:(.*)$/s.exec(textOf(context) ?? '')?.[1];
    if (target === undefined) continue;
    const at = [...path, 'build', 'additional_contexts', name];
    refer(context, at, target, 'services', 'service');
    const other = child(child(root, 'services'), target);
    if (other !== undefined && child(other, 'build') === undefined)
      problems.push(problemAt(context.place, at, `the service "${target}" is not built`));
  }
  const shared = /^service:(.*)$/s.exec(textOf(mode) ?? '')?.[1];
  if (mode !== undefined && shared !== undefined)
    refer(mode, [...path, 'network_mode'], shared, 'services', 'service');
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
