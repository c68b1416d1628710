import type { ContainerSummary } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { dockerNetworkName } from '../plan/index.ts';
import type { ExposedPort, LocalContainer } from './rules-model.ts';

/**
 * The containers of a listing (stopped ones too) that are in Seawall's networks, sorted by name. Created but not yet
 * started ones count with the address that they will have, so that rules and names know them before their first packet.
 */
export function localContainers(listing: readonly ContainerSummary[]): LocalContainer[] {
  return listing.flatMap(readSummary).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function readSummary(summary: ContainerSummary): LocalContainer[] {
  const project = summary.Labels[LABEL.project];
  if (project === undefined) return [];
  const prefix = dockerNetworkName(project, '');
  const addresses = Object.entries(summary.NetworkSettings?.Networks ?? {}).flatMap(([name, endpoint]) => {
    const address = endpoint.IPAddress || endpoint.IPAMConfig?.IPv4Address;
    return name.startsWith(prefix) && address ? [[name.slice(prefix.length), address] as const] : [];
  });
  if (addresses.length === 0) return [];
  const name = (summary.Names[0] ?? summary.Id).replace(/^\//, '');
  return [
    {
      name,
      project,
      addresses: Object.fromEntries(addresses.toSorted()),
      exposed: exposedPorts(summary.Labels),
      ...ownResolvers(summary.Labels),
    },
  ];
}

/** A label can be written by anybody: what is not understood opens nothing. */
function exposedPorts(labels: Readonly<Record<string, string>>): ExposedPort[] {
  const label: unknown = parseJson(labels[LABEL.expose] ?? '{}');
  if (typeof label !== 'object' || label === null) return [];
  return Object.entries(label).flatMap(([key, allow]) => {
    const [, port, protocol] = /^(\d{1,5})\/(tcp|udp)$/.exec(key) ?? [];
    if (port === undefined || !Array.isArray(allow)) return [];
    const cidrs = allow.filter((cidr) => typeof cidr === 'string');
    return [{ published: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp', allow: cidrs }];
  });
}

/** Addresses only: Docker takes nothing else either. */
function ownResolvers(labels: Readonly<Record<string, string>>): Pick<LocalContainer, 'resolvers'> {
  const label: unknown = parseJson(labels[LABEL.dns] ?? '[]');
  const resolvers = Array.isArray(label)
    ? label.filter((one) => /^[\da-f.:]+$/i.test(String(one))).map(String)
    : [];
  return resolvers.length === 0 ? {} : { resolvers };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
