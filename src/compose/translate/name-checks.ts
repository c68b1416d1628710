import type { KeyPath } from '../../problems.ts';
import type { ServiceModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { refuse } from './remark.ts';

/** As Docker names networks, and as what DNS asks for looks: letters, digits, `_ . -`. */
const plainName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/;

const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const domain = '(?:[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?';
/** The grammar of https://pkg.go.dev/github.com/distribution/reference: domain, path, tag, digest. */
const imageReference = new RegExp(
  `^(?:${domain}/)?${part}(?:/${part})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

/** Names that end up as names of networks, in DNS or in Docker's URLs are what those take. */
export function checkNames(
  name: string,
  service: ServiceModel,
  input: TranslateInput,
  remarks: Remarks,
): void {
  const path = ['services', name];
  const check = (text: string, place: KeyPath, what: string): void => {
    if (plainName.test(text)) return;
    refuse(input, remarks, place, `this is no ${what}`, 'Use letters, digits, "_", "." and "-".');
  };
  if (service.image !== undefined && !imageReference.test(service.image)) {
    const remedy = 'Write it like postgres:17 or registry.example/team/app:1.2.';
    refuse(input, remarks, [...path, 'image'], 'this is no image reference', remedy);
  }
  if (service.container_name !== undefined)
    check(service.container_name, [...path, 'container_name'], 'name of a container');
  for (const [network, settings] of Object.entries(service.networks ?? {})) {
    check(network, [...path, 'networks', network], 'name of a network');
    for (const [index, alias] of (settings?.aliases ?? []).entries())
      check(alias, [...path, 'networks', network, 'aliases', index], 'name that can be asked for');
  }
}
