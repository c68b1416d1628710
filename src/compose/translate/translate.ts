import type { Problem } from '../../problems.ts';
import type {
  Desired,
  DesiredCertificate,
  DesiredContent,
  DesiredNetwork,
  DesiredService,
  DesiredVolume,
} from '../desired.ts';
import { findKeys } from '../key-index.ts';
import type { VolumeModel } from '../model.ts';
import { sorted } from './container.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { notice, refuse } from './remark.ts';
import { translateService } from './service.ts';

/** The desired state but for its routes, which seawall.yml decides. */
export type Translated = Omit<Desired, 'routes'>;

/** The desired state that a Compose model describes. Pure: same input, same bytes. */
export function translate(input: TranslateInput): {
  readonly value: Translated;
  /** Those that services serve with. */
  readonly certificates: readonly DesiredCertificate[];
  readonly problems: readonly Problem[];
} {
  const remarks: Remarks = { problems: [], notices: [] };
  const services: Record<string, DesiredService> = {};
  const contents: Record<string, DesiredContent> = {};
  const certificates: DesiredCertificate[] = [];
  for (const name of Object.keys(input.model.services).sort()) {
    const translated = translateService(name, input, remarks);
    if (translated === undefined) continue;
    services[name] = translated.service;
    if (translated.certificate !== undefined) certificates.push(translated.certificate);
    for (const content of translated.contents) contents[content.hash] = content;
  }
  keyNotices(input, remarks);
  const value: Translated = {
    project: input.model.name,
    services,
    networks: usedNetworks(services, input),
    volumes: usedVolumes(services, input, remarks),
    contents: sorted(contents),
    notices: remarks.notices.sort((a, b) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : a.text < b.text ? -1 : 1,
    ),
  };
  return { value, certificates, problems: remarks.problems };
}

/** Keys that say more exactly elsewhere what becomes of them. */
const SAID_ELSEWHERE = new Set([
  'services.*.ports',
  'services.*.volumes.*.bind',
  'services.*.deploy.mode',
  'networks.*.driver',
]);

function keyNotices(input: TranslateInput, remarks: Remarks): void {
  for (const { row, path } of findKeys(input.root, 'translated')) {
    if (row.isQuiet === true || SAID_ELSEWHERE.has(row.key) || isImplied(path, input)) continue;
    notice(input, remarks, path, row.text.replace(/\.$/, ''));
  }
  for (const [name, service] of Object.entries(input.model.services)) {
    if (service.privileged !== true) continue;
    notice(input, remarks, ['services', name, 'privileged'], 'the replicas have all rights on their host');
  }
}

/** Maps that Docker Compose writes into the model by itself. */
function isImplied(path: readonly (string | number)[], input: TranslateInput): boolean {
  const [section, name, key] = path;
  if (section !== 'networks' || key !== 'ipam') return false;
  const ipam = (input.model.networks?.[`${name}`] as { readonly ipam?: object } | undefined)?.ipam;
  return Object.keys(ipam ?? {}).length === 0;
}

function usedNetworks(
  services: Readonly<Record<string, DesiredService>>,
  input: TranslateInput,
): Record<string, DesiredNetwork> {
  const names = new Set(Object.values(services).flatMap(({ networks }) => Object.keys(networks)));
  const entries = [...names]
    .sort()
    .map((name) => [name, { name, internal: input.model.networks?.[name]?.internal === true }] as const);
  return Object.fromEntries(entries);
}

function usedVolumes(
  services: Readonly<Record<string, DesiredService>>,
  input: TranslateInput,
  remarks: Remarks,
): Record<string, DesiredVolume> {
  const mounts = Object.values(services).flatMap((service) => service.mounts);
  const names = new Set(mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : [])));
  const volumes: Record<string, DesiredVolume> = {};
  for (const name of [...names].sort()) {
    const volume = input.model.volumes?.[name];
    refuseOwnFolder(name, volume, input, remarks);
    volumes[name] = {
      name,
      dockerName: volume?.name ?? `${input.model.name}_${name}`,
      driver: volume?.driver ?? 'local',
      driverOptions: sorted(volume?.driver_opts ?? {}),
      labels: sorted(volume?.labels ?? {}),
      external: volume?.external ?? false,
    };
  }
  return volumes;
}

/** A volume that is a bind mount in disguise takes its folder from the host that it is on. */
function refuseOwnFolder(
  name: string,
  volume: VolumeModel | undefined,
  input: TranslateInput,
  remarks: Remarks,
): void {
  const { o = '', device = '/' } = volume?.driver_opts ?? {};
  const isBind = (volume?.driver ?? 'local') === 'local' && /(^|,)\s*r?bind\s*(,|$)/.test(o);
  if (!isBind || (device.startsWith('/') && !input.ownFolders.has(name))) return;
  const remedy = 'Use a plain named volume, or the absolute path of a folder on the host.';
  const path = ['volumes', name, 'driver_opts', 'device'];
  refuse(input, remarks, path, 'this folder is on your machine, not on the hosts', remedy);
}
