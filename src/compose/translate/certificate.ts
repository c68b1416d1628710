import { isOwner, RELOAD_SIGNALS, type ReloadSignal, serviceCertificateId } from '../../kept-certificate.ts';
import { nearestName } from '../../names.ts';
import type { DesiredCertificate, DesiredMount } from '../desired.ts';
import type { ServiceModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { refuse } from './remark.ts';

/** `x-seawall.certificate`: the private CA's certificate for what a service serves itself, and where its replicas find it. */
export interface ServiceCertificate {
  readonly certificate: DesiredCertificate;
  readonly mount: Extract<DesiredMount, { readonly kind: 'certificate' }>;
}

const KEYS = ['names', 'path', 'reload', 'uid', 'gid'];
const DEFAULT_PATH = '/run/seawall/tls';
/** As names stand in private networks: underscores too, which public CAs do not take. */
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

type Path = readonly (string | number)[];
type Refuse = (path: Path, text: string, remedy?: string) => void;

/** What the key says; undefined: nothing, or something wrong, which is reported. */
export function serviceCertificate(
  name: string,
  service: ServiceModel,
  isTask: boolean,
  input: TranslateInput,
  remarks: Remarks,
): ServiceCertificate | undefined {
  const extension = service['x-seawall'];
  const written = isMap(extension) ? extension.certificate : undefined;
  if (written === undefined || written === false) return undefined;
  const path = ['services', name, 'x-seawall', 'certificate'];
  const say: Refuse = (below, text, remedy) => refuse(input, remarks, [...path, ...below], text, remedy);
  if (written !== true && !isMap(written)) {
    say([], 'must be true or a map', `Its keys are ${KEYS.join(', ')}.`);
    return undefined;
  }
  if (isTask) {
    say([], `"${name}" runs once and serves nothing`, 'Take it away.');
    return undefined;
  }
  const own = written === true ? {} : written;
  refuseUnknown(own, say);
  const names = 'names' in own ? namesOf(own.names, say) : defaultNames(name, service, input, say);
  const target = pathOf(own.path, say);
  if (names === undefined || target === undefined) return undefined;
  const id = serviceCertificateId(input.model.name, name);
  return {
    certificate: {
      ...{ id, names, source: 'internal', issuers: [], challenge: 'http', keys: ['ecdsa'] },
      purpose: 'upstream',
    },
    mount: { kind: 'certificate', id, names, target, ...ownerOf(own, say), ...reloadOf(own.reload, say) },
  };
}

function refuseUnknown(own: Readonly<Record<string, unknown>>, say: Refuse): void {
  for (const key of Object.keys(own)) {
    if (KEYS.includes(key)) continue;
    const nearest = nearestName(key, KEYS);
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
    say([key], `"certificate" has no key "${key}"${hint}`, `Its keys are ${KEYS.join(', ')}.`);
  }
}

function namesOf(written: unknown, say: Refuse): readonly string[] | undefined {
  if (!Array.isArray(written) || written.length === 0) {
    say(
      ['names'],
      'must be a list of DNS names',
      'Without it the certificate is for the names of the service.',
    );
    return undefined;
  }
  const names = written.map((each) => `${each}`.toLowerCase());
  const at = names.findIndex((each) => !NAME.test(each));
  if (at === -1) return [...new Set(names)];
  say(['names', at], `"${written[at]}" is no DNS name`, 'Write names such as api.example.internal.');
  return undefined;
}

/** What others in the cluster call the service by: the edges by the first one. */
function defaultNames(
  name: string,
  service: ServiceModel,
  { model }: TranslateInput,
  say: Refuse,
): readonly string[] | undefined {
  const networks = Object.values(service.networks ?? {}) as readonly ({
    readonly aliases?: readonly string[];
  } | null)[];
  const aliases = networks.flatMap((network) => network?.aliases ?? []).map((alias) => alias.toLowerCase());
  const short = name.toLowerCase();
  const names = [`${short}.${model.name.toLowerCase()}.internal`, short, ...aliases.sort()];
  const usable = [...new Set(names)].filter((each) => NAME.test(each));
  if (usable.includes(names[0] ?? '')) return usable;
  say(
    [],
    `"${name}" is no name that a certificate can be for`,
    'Say for which: certificate: { names: [...] }.',
  );
  return undefined;
}

function pathOf(written: unknown, say: Refuse): string | undefined {
  if (written === undefined) return DEFAULT_PATH;
  if (typeof written === 'string' && /^(\/[^/\0,:]+)+$/.test(written) && !/\/\.\.?(\/|$)/.test(written))
    return written;
  say(['path'], 'must be the absolute path of a folder in the container', `Such as ${DEFAULT_PATH}.`);
  return undefined;
}

function ownerOf(own: Readonly<Record<string, unknown>>, say: Refuse): { uid?: number; gid?: number } {
  const owner: { uid?: number; gid?: number } = {};
  for (const key of ['uid', 'gid'] as const) {
    if (own[key] === undefined) continue;
    const id = Number(own[key]);
    if (`${own[key]}`.trim() !== '' && isOwner(id)) owner[key] = id;
    else say([key], 'must be a number', 'Without it the key belongs to the user that the container runs as.');
  }
  return owner;
}

function reloadOf(written: unknown, say: Refuse): { reload?: ReloadSignal } {
  if (written === undefined || written === 'none') return {};
  const reload = RELOAD_SIGNALS.find((each) => each === written || each === `SIG${written}`);
  if (reload !== undefined) return { reload };
  const remedy = `Write one of ${RELOAD_SIGNALS.join(', ')}, or none: the program looks for new files itself.`;
  say(
    ['reload'],
    `${JSON.stringify(written)} is nothing that tells a program to read its files anew`,
    remedy,
  );
  return {};
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
