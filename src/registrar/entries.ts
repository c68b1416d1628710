import { META } from '../catalog/record.ts';
import type { ClusterHost } from '../cluster.ts';
import type { ContainerInfo } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { catalogServiceName } from '../names.ts';
import { readRoutePorts } from '../route-port.ts';
import { addressIn, type Candidate, dockerCheck, isLive, type Reading, STARTED_META } from './candidate.ts';
import { foreignReading } from './foreign.ts';
import { CHECK_DEFAULT, type Check } from './health.ts';

const NOTHING: Reading = { candidates: [], notes: [] };

/**
 * The entries that a container asks for. Replicas get one; tasks, one-offs, Seawall's own containers and whatever does
 * not run get none; a container that somebody started by hand gets one per published port.
 * @param sha256 of a text, as hex
 */
export function readContainer(
  container: ContainerInfo,
  host: Pick<ClusterHost, 'name' | 'privateAddress'>,
  sha256: (text: string) => string,
): Reading {
  if (!isLive(container)) return NOTHING;
  const kind = container.Config.Labels?.[LABEL.kind];
  if (kind === undefined) return foreignReading(container, host);
  return kind === 'replica' ? replicaReading(container, host, sha256) : NOTHING;
}

function replicaReading(
  container: ContainerInfo,
  host: Pick<ClusterHost, 'name' | 'privateAddress'>,
  sha256: (text: string) => string,
): Reading {
  const labels = container.Config.Labels ?? {};
  const project = labels[LABEL.project];
  const service = labels[LABEL.service];
  const name = container.Name.replace(/^\//, '');
  if (!project || !service)
    return { candidates: [], notes: [`${name}: labelled a replica, but of no project and service`] };
  const addresses = addressesOf(container, project, jsonObject(labels[LABEL.names]));
  const address =
    Object.values(addresses)[0] ?? (container.HostConfig.NetworkMode === 'host' ? host.privateAddress : '');
  if (address === '') return { candidates: [], notes: [`${name}: has no address yet`] };
  const port = portNumber(labels[LABEL.port]);
  const check = replicaCheck(container, address, jsonObject(labels[LABEL.health]));
  const candidate: Candidate = {
    id: `${host.name}:${name}:${port}`,
    service: catalogServiceName(project, service, sha256),
    address,
    port,
    tags: [],
    meta: {
      [META.project]: project,
      [META.service]: service,
      [META.release]: labels[LABEL.release] ?? '',
      [META.container]: container.Id,
      [META.replica]: labels[LABEL.replica] ?? '',
      [META.addresses]: JSON.stringify(addresses),
      [META.names]: JSON.stringify(jsonObject(labels[LABEL.names])),
      ...(labels[LABEL.routes] === undefined
        ? {}
        : { [META.routes]: JSON.stringify(readRoutePorts(labels[LABEL.routes])) }),
      [STARTED_META]: container.State.StartedAt,
      ...probeMeta(check),
    },
    check,
  };
  return { candidates: [candidate], notes: [] };
}

/** Compose network → address, in the order of the names label, then by name. */
function addressesOf(
  container: ContainerInfo,
  project: string,
  names: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const prefix = `seawall.${project}.`;
  const byNetwork = new Map<string, string>();
  for (const docker of Object.keys(container.NetworkSettings.Networks).sort()) {
    const address = addressIn(container, docker);
    if (address) byNetwork.set(docker.startsWith(prefix) ? docker.slice(prefix.length) : docker, address);
  }
  const ordered = [...new Set([...Object.keys(names), ...byNetwork.keys()])];
  return Object.fromEntries(
    ordered.flatMap((network) => {
      const address = byNetwork.get(network);
      return address === undefined ? [] : [[network, address] as const];
    }),
  );
}

/** The container's HEALTHCHECK, an image's own included, goes before what the label says. */
function replicaCheck(
  container: ContainerInfo,
  address: string,
  rule: Readonly<Record<string, unknown>>,
): Check {
  const own = dockerCheck(container);
  if (own !== undefined) return own;
  const { kind, monitorMs } = rule;
  const port = portNumber(rule.port);
  const path = typeof rule.path === 'string' ? rule.path : '/';
  const { intervalMs, timeoutMs, httpInARow } = CHECK_DEFAULT;
  if (kind === 'http' && port > 0) {
    return { kind, address, port, path, accept: 'below-500', inARow: httpInARow, intervalMs, timeoutMs };
  }
  if (kind === 'tcp' && port > 0) return { kind, address, port, intervalMs, timeoutMs };
  return { kind: 'running', monitorMs: typeof monitorMs === 'number' ? monitorMs : CHECK_DEFAULT.monitorMs };
}

/** What the edges are to probe from their own place. */
function probeMeta(check: Check): Record<string, string> {
  if (check.kind === 'http') {
    return { [META.probe]: JSON.stringify({ kind: 'http', port: check.port, path: check.path }) };
  }
  return check.kind === 'tcp' ? { [META.probe]: JSON.stringify({ kind: 'tcp', port: check.port }) } : {};
}

function portNumber(value: unknown): number {
  const port = Number(value ?? 0);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/** A label's JSON object; what is none counts as empty: labels can be written by anybody. */
function jsonObject(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : {};
  } catch {
    return {};
  }
}
