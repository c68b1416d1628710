import { HOST_PATH } from '../cluster.ts';
import type { Desired, DesiredMount, DesiredPort, DesiredService } from '../compose/desired.ts';
import { LABEL } from '../labels.ts';
import { routeKey } from '../route-port.ts';
import { routePort } from './config-hash.ts';

/** Where and as what a container of a service is made. */
export interface ContainerPlace {
  readonly cluster: string;
  /** The host's private address, where its names are served. */
  readonly privateAddress: string;
  readonly kind: 'replica' | 'task' | 'oneoff';
  readonly replica: number;
  readonly release: number;
  /** Label {@link LABEL.config}. */
  readonly config: string;
  /** Image reference or id as the host knows it. */
  readonly image: string;
  /** Network → fixed address; a network without one gets an address from Docker. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Engine API body of `POST /containers/create`, and the networks to connect before it is started. */
export interface ContainerPlan {
  readonly body: Readonly<Record<string, unknown>>;
  readonly connect: readonly { readonly network: string; readonly endpoint: Endpoint }[];
}

interface Endpoint {
  readonly IPAMConfig?: { readonly IPv4Address: string };
}

/** Docker's name of a project's network on every host. */
export const dockerNetworkName = (project: string, network: string): string =>
  `seawall.${project}.${network}`;

/** The service's networks, the one for its way out first: networks with a way out, then by name. */
export function networkOrder(desired: Desired, service: DesiredService): string[] {
  const closed = (name: string): number => (desired.networks[name]?.internal === true ? 1 : 0);
  return Object.keys(service.networks).sort((a, b) => closed(a) - closed(b) || (a < b ? -1 : 1));
}

/** What to ask of Docker for one container of a service. */
export function containerPlan(
  desired: Desired,
  service: DesiredService,
  place: ContainerPlace,
): ContainerPlan {
  const [first = 'default', ...others] = networkOrder(desired, service);
  const endpoint = (network: string): Endpoint => {
    const address = place.addresses[network];
    return address === undefined ? {} : { IPAMConfig: { IPv4Address: address } };
  };
  const firstName = dockerNetworkName(desired.project, first);
  const ports = place.kind === 'replica' ? service.ports : [];
  return {
    body: {
      ...service.container,
      Image: place.image,
      Labels: { ...service.container.Labels, ...seawallLabels(desired, service, place) },
      ExposedPorts: Object.fromEntries(ports.map((port) => [`${port.target}/${port.protocol}`, {}])),
      HostConfig: {
        ...service.container.HostConfig,
        ...(place.kind === 'replica' ? {} : { RestartPolicy: { Name: 'no' } }),
        NetworkMode: firstName,
        Dns: [place.privateAddress, ...listOf(service, 'Dns')],
        DnsSearch: [`${desired.project}.internal`, ...listOf(service, 'DnsSearch')],
        Mounts: service.mounts
          .filter(({ kind }) => kind !== 'certificate' || place.kind === 'replica')
          .map((mount) => dockerMount(desired, mount)),
        PortBindings: portBindings(ports),
      },
      NetworkingConfig: { EndpointsConfig: { [firstName]: endpoint(first) } },
    },
    connect: others.map((network) => ({
      network: dockerNetworkName(desired.project, network),
      endpoint: endpoint(network),
    })),
  };
}

/**
 * The user's own `dns` and `dns_search` come after Seawall's: Docker asks the first that answers. Names that are not
 * Seawall's go to the user's `dns` all the same, see {@link LABEL.dns}.
 */
function listOf(service: DesiredService, key: 'Dns' | 'DnsSearch'): readonly string[] {
  const own = service.container.HostConfig[key];
  return Array.isArray(own) ? own.map(String) : [];
}

function seawallLabels(
  desired: Desired,
  service: DesiredService,
  place: ContainerPlace,
): Record<string, string> {
  const port = routePort(desired, service.name);
  const routePorts = Object.fromEntries(
    desired.routes
      .filter((route) => route.service === service.name)
      .map((route) => [routeKey(route), route.port]),
  );
  const resolvers = listOf(service, 'Dns');
  const networks = networkOrder(desired, service);
  const names = networks.map((network) => [
    network,
    [service.name, ...(service.networks[network]?.aliases ?? [])],
  ]);
  const expose = service.ports
    .filter((port) => port.allow.length > 0 && port.published !== undefined)
    .map((port) => [`${port.published}/${port.protocol}`, port.allow]);
  return {
    [LABEL.cluster]: place.cluster,
    [LABEL.project]: desired.project,
    [LABEL.service]: service.name,
    [LABEL.kind]: place.kind,
    [LABEL.replica]: String(place.replica),
    [LABEL.release]: String(place.release),
    [LABEL.config]: place.config,
    [LABEL.health]: JSON.stringify({ ...service.health, monitorMs: service.update.monitorMs }),
    ...(service.preStop === undefined || place.kind !== 'replica'
      ? {}
      : { [LABEL.preStop]: JSON.stringify(service.preStop) }),
    ...certificateLabel(service, place),
    [LABEL.names]: JSON.stringify(Object.fromEntries(names)),
    [LABEL.expose]: JSON.stringify(Object.fromEntries(expose)),
    ...(resolvers.length === 0 ? {} : { [LABEL.dns]: JSON.stringify(resolvers) }),
    ...(port === undefined ? {} : { [LABEL.port]: String(port), [LABEL.routes]: JSON.stringify(routePorts) }),
  };
}

/** One-off containers and tasks serve nothing, so they get no key. */
function certificateLabel({ mounts }: DesiredService, { kind }: ContainerPlace): Record<string, string> {
  const mount = kind === 'replica' ? mounts.find((each) => each.kind === 'certificate') : undefined;
  return mount?.kind === 'certificate' ? { [LABEL.certificate]: mount.id } : {};
}

function dockerMount(desired: Desired, mount: DesiredMount): Record<string, unknown> {
  switch (mount.kind) {
    case 'volume':
      return {
        Type: 'volume',
        Source: desired.volumes[mount.volume]?.dockerName ?? mount.volume,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        VolumeOptions: {
          NoCopy: mount.noCopy ?? false,
          ...(mount.subpath === undefined ? {} : { Subpath: mount.subpath }),
        },
      };
    case 'content':
      return {
        Type: 'bind',
        Source: `${HOST_PATH.content}/${mount.hash}`,
        Target: mount.target,
        ReadOnly: true,
      };
    case 'tmpfs':
      return {
        Type: 'tmpfs',
        Target: mount.target,
        TmpfsOptions: {
          ...(mount.sizeBytes === undefined ? {} : { SizeBytes: mount.sizeBytes }),
          ...(mount.mode === undefined ? {} : { Mode: mount.mode }),
        },
      };
    case 'certificate':
      return {
        Type: 'bind',
        Source: `${HOST_PATH.serviceCertificates}/${mount.id}`,
        Target: mount.target,
        ReadOnly: true,
      };
    case 'anonymous':
      return { Type: 'volume', Target: mount.target };
  }
}

function portBindings(ports: readonly DesiredPort[]): Record<string, unknown[]> {
  const bindings: Record<string, unknown[]> = {};
  for (const port of ports) {
    const key = `${port.target}/${port.protocol}`;
    const binding = {
      HostIp: port.hostAddress,
      HostPort: port.published === undefined ? '' : String(port.published),
    };
    bindings[key] = [...(bindings[key] ?? []), binding];
  }
  return bindings;
}
