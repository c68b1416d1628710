import { META } from '../catalog/record.ts';
import type { ClusterHost } from '../cluster.ts';
import type { ContainerInfo, PortBinding } from '../hosts/index.ts';
import { parseDurationMs } from '../units.ts';
import { addressIn, type Candidate, dockerCheck, type Reading, STARTED_META } from './candidate.ts';
import { CHECK_DEFAULT, type Check } from './health.ts';

/** A published port that others than this host can reach. */
interface Published {
  /** Inside the container. */
  readonly exposed: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/**
 * A container that somebody started by hand, by the rules of Registrator (gliderlabs/registrator, docs/user/services.md,
 * bridge/util.go): one entry per published port, settings from `SERVICE_*` in its environment and labels.
 */
export function foreignReading(
  container: ContainerInfo,
  host: Pick<ClusterHost, 'name' | 'privateAddress'>,
): Reading {
  const name = container.Name.replace(/^\//, '');
  const { published, notes } = publishedPorts(container, host.privateAddress, name);
  const candidates = published.flatMap((port): Candidate[] => {
    const { settings, fromPort } = settingsFor(container, port.exposed);
    if (settings.get('ignore')) return [];
    const suffix = published.length > 1 && !fromPort.has('name') ? `-${port.exposed}` : '';
    const udp = port.protocol === 'udp';
    const check = foreignCheck(container, port, settings, (note) => notes.push(`${name}: ${note}`));
    return [
      {
        id: plain(
          settings.get('id') || `${host.name}:${name}:${port.exposed}${udp ? ':udp' : ''}`,
          /[^\w.:-]+/g,
        ),
        service: plain(
          (settings.get('name') || imageName(container.Config.Image) || name) + suffix,
          /[^\w.-]+/g,
        ),
        address: port.address,
        port: port.port,
        tags: [...tagList(settings.get('tags') ?? ''), ...(udp ? ['udp'] : [])],
        meta: {
          ...freeMeta(settings),
          [META.container]: container.Id,
          [STARTED_META]: container.State.StartedAt,
          ...probeMeta(check, port),
        },
        check,
      },
    ];
  });
  return { candidates, notes };
}

function publishedPorts(
  container: ContainerInfo,
  privateAddress: string,
  name: string,
): { published: Published[]; notes: string[] } {
  const published: Published[] = [];
  const notes: string[] = [];
  for (const [key, bindings] of Object.entries(bindingsOf(container)).sort(([a], [b]) => byPort(a, b))) {
    const [exposedText = '', protocol = 'tcp'] = key.split('/');
    if (protocol !== 'tcp' && protocol !== 'udp') continue;
    const bound = (bindings ?? []).filter(({ HostPort }) => Number(HostPort) > 0);
    const open =
      bound.find((binding) => isWildcard(binding)) ?? bound.find(({ HostIp }) => !isLoopback(HostIp));
    if (open === undefined) {
      if (bound.length > 0)
        notes.push(`${name}: port ${key} is published on loopback only and not registered`);
      continue;
    }
    const address = isWildcard(open) ? privateAddress : open.HostIp;
    published.push({ exposed: Number(exposedText), protocol, address, port: Number(open.HostPort) });
  }
  return { published, notes };
}

/** Port → where it is published. A container between two starts has no ports in force; its settings say them. */
function bindingsOf(container: ContainerInfo): Readonly<Record<string, readonly PortBinding[] | null>> {
  if (container.HostConfig.NetworkMode === 'host') {
    const exposed = Object.keys(container.Config.ExposedPorts ?? {});
    return Object.fromEntries(
      exposed.map((key) => [key, [{ HostIp: '', HostPort: key.split('/')[0] ?? '' }]]),
    );
  }
  const inForce = container.NetworkSettings.Ports ?? {};
  return Object.keys(inForce).length > 0 ? inForce : (container.HostConfig.PortBindings ?? {});
}

const byPort = (a: string, b: string): number =>
  Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
const isWildcard = ({ HostIp }: PortBinding): boolean =>
  HostIp === '' || HostIp === '0.0.0.0' || HostIp === '::';
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** `SERVICE_*` for one port: environment first, then labels; a key for the port beats one for all. */
function settingsFor(
  container: ContainerInfo,
  port: number,
): { settings: Map<string, string>; fromPort: Set<string> } {
  const settings = new Map<string, string>();
  const fromPort = new Set<string>();
  const environment = (container.Config.Env ?? []).map((line): [string, string] => {
    const [key = '', ...value] = line.split('=');
    return [key, value.join('=')];
  });
  for (const [key, value] of [...environment, ...Object.entries(container.Config.Labels ?? {})]) {
    if (!key.startsWith('SERVICE_')) continue;
    const setting = key.slice('SERVICE_'.length).toLowerCase();
    const [, portText, ofPort] = /^(\d+)_(.+)$/.exec(setting) ?? [];
    if (ofPort === undefined) {
      if (!fromPort.has(setting)) settings.set(setting, value);
    } else if (Number(portText) === port) {
      settings.set(ofPort, value);
      fromPort.add(ofPort);
    }
  }
  return { settings, fromPort };
}

/** HEALTHCHECK, else `SERVICE_CHECK_HTTP` or `SERVICE_CHECK_TCP`, else a TCP connection. */
function foreignCheck(
  container: ContainerInfo,
  port: Published,
  settings: ReadonlyMap<string, string>,
  note: (text: string) => void,
): Check {
  const unknown = ['https', 'cmd', 'script', 'ttl', 'grpc'].filter((kind) => settings.has(`check_${kind}`));
  for (const kind of unknown) note(`SERVICE_CHECK_${kind.toUpperCase()} is not supported and was left out`);
  const intervalMs = positiveMs(settings.get('check_interval')) ?? CHECK_DEFAULT.intervalMs;
  const timeoutMs = positiveMs(settings.get('check_timeout')) ?? CHECK_DEFAULT.timeoutMs;
  const target = probeTarget(container, port);
  const path = settings.get('check_http');
  if (path) {
    const absolute = path.startsWith('/') ? path : `/${path}`;
    return { kind: 'http', ...target, path: absolute, accept: 'consul', inARow: 1, intervalMs, timeoutMs };
  }
  const own = dockerCheck(container);
  if (own !== undefined && !settings.has('check_tcp')) return own;
  if (port.protocol === 'udp') return { kind: 'running', monitorMs: 0 };
  return { kind: 'tcp', ...target, intervalMs, timeoutMs };
}

/** The app itself where it can be reached: behind docker-proxy a published port accepts before the app listens. */
function probeTarget(container: ContainerInfo, published: Published): { address: string; port: number } {
  if (container.HostConfig.NetworkMode === 'host')
    return { address: published.address, port: published.port };
  const own = Object.keys(container.NetworkSettings.Networks)
    .sort()
    .map((network) => addressIn(container, network))
    .find((address) => address !== '');
  return { address: own ?? '', port: published.exposed };
}

/** The published port, as the edges reach it. */
function probeMeta(check: Check, { port }: Published): Record<string, string> {
  if (check.kind === 'http')
    return { [META.probe]: JSON.stringify({ kind: 'http', port, path: check.path }) };
  return check.kind === 'tcp' ? { [META.probe]: JSON.stringify({ kind: 'tcp', port }) } : {};
}

/** Consul's limits: 64 pairs, keys of `[A-Za-z0-9_-]` up to 128, values up to 512. Nobody but Seawall writes `seawall-*`. */
function freeMeta(settings: ReadonlyMap<string, string>): Record<string, string> {
  const pairs = [...settings].filter(
    ([key, value]) =>
      !['name', 'tags', 'id', 'ignore'].includes(key) &&
      /^[\w-]{1,128}$/.test(key) &&
      !key.startsWith('seawall') &&
      new TextEncoder().encode(value).length <= 512,
  );
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 48));
}

/** `registry:5000/team/nginx:1.30@sha256:…` → `nginx`; an image id has no name. */
function imageName(reference: string): string {
  if (/^(sha256:)?[0-9a-f]{12,64}$/.test(reference)) return '';
  return reference.replace(/@.*$/, '').split('/').at(-1)?.replace(/:.*$/, '') ?? '';
}

/** `a,b\,c` → `a` and `b,c`. */
function tagList(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((tag) =>
      tag
        .replaceAll('\\,', ',')
        .replaceAll(/\p{C}+/gu, '')
        .trim(),
    )
    .filter((tag) => tag !== '');
}

/** Names and ids stand in paths, in nginx files and on terminals: what is unusual becomes `-`. */
const plain = (text: string, unusual: RegExp): string => text.replaceAll(unusual, '-').slice(0, 200);

function positiveMs(text: string | undefined): number | undefined {
  const ms = parseDurationMs(text ?? '');
  return ms !== undefined && ms >= 1 ? ms : undefined;
}
