import { type Instance, META } from '../catalog/record.ts';
import { contains } from '../ranges.ts';
import type { LocalContainer } from './rules-model.ts';

/** What the names are made of. */
export interface NamesView {
  /** CIDR of the cluster. */
  readonly range: string;
  /** Catalog service → its instances. */
  readonly services: ReadonlyMap<string, readonly Instance[]>;
  /** Hosts whose agent is alive. */
  readonly aliveHosts: ReadonlySet<string>;
  /** Blocks of the networks on the resolver's own host. */
  readonly blocks: readonly NetworkBlock[];
  /** Containers of the resolver's own host. */
  readonly containers: readonly LocalContainer[];
}

export interface NetworkBlock {
  readonly subnet: string;
  readonly project: string;
  readonly network: string;
  readonly internal: boolean;
}

export interface Question {
  /** Address that asks. */
  readonly source: string;
  /** As in the packet, without the last dot. */
  readonly name: string;
  /** `A`, `AAAA`, `PTR`, … */
  readonly type: string;
}

export type Reply =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'pointer'; readonly name: string }
  /** The name exists, but has no record of this type (or no healthy replica) now. */
  | { readonly kind: 'empty' }
  /** NXDOMAIN */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused' }
  /** The asker's own resolvers know, or the host's when it names none. */
  | { readonly kind: 'forward'; readonly resolvers?: readonly string[] };

interface Place {
  /** Instance id. */
  readonly instance: string;
  readonly network: string;
  /** Absent: an instance that gets no requests now. */
  readonly address?: string;
}

interface Asker {
  readonly project: string;
  readonly networks: readonly string[];
  readonly resolvers?: readonly string[];
}

/** Names ready to be asked for. */
export interface Names {
  readonly range: string;
  /** Project → name → where it is. */
  readonly places: ReadonlyMap<string, ReadonlyMap<string, readonly Place[]>>;
  /** Address → project and service. */
  readonly owners: ReadonlyMap<string, { readonly project: string; readonly service: string }>;
  readonly askers: ReadonlyMap<string, Asker>;
  readonly blocks: readonly NetworkBlock[];
}

/** Instances that get new requests: passing, not draining, of living hosts; of dead ones when no others are left. */
function instancesInForce(
  instances: readonly Instance[],
  aliveHosts: ReadonlySet<string>,
): readonly Instance[] {
  const well = instances.filter((one) => one.status === 'passing' && !one.draining);
  const alive = well.filter((one) => aliveHosts.has(one.host));
  return alive.length > 0 ? alive : well;
}

/** Addresses that names lead to, by catalog service and sorted: the instances' own ones, in their first network. */
export function addressesInForce(view: Pick<NamesView, 'services' | 'aliveHosts'>): Record<string, string[]> {
  const sorted = [...view.services].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.flatMap(([service, instances]) => {
      const inForce = instancesInForce(instances.filter(isManaged), view.aliveHosts);
      const addresses = [...new Set(inForce.map((one) => one.address))]
        .filter((one) => one !== '')
        .toSorted();
      return addresses.length === 0 ? [] : [[service, addresses] as const];
    }),
  );
}

/** Only what Seawall started has project names. */
const isManaged = (instance: Instance): boolean => (instance.meta[META.project] ?? '') !== '';

/** Puts a view in order for {@link answerQuestion}. */
export function indexNames(view: NamesView): Names {
  const places = new Map<string, Map<string, Place[]>>();
  const owners = new Map<string, { project: string; service: string }>();
  const askers = new Map<string, Asker>();
  for (const instances of view.services.values()) {
    const managed = instances.filter(isManaged);
    const inForce = new Set(instancesInForce(managed, view.aliveHosts));
    for (const instance of managed) addInstance(instance, inForce.has(instance), { places, owners, askers });
  }
  // Docker on this host knows it better than the catalog: also one-offs, and replicas that are not registered yet.
  for (const { project, addresses, resolvers } of view.containers) {
    const own = resolvers === undefined ? {} : { resolvers };
    for (const address of Object.values(addresses))
      askers.set(address, { project, networks: Object.keys(addresses).toSorted(), ...own });
  }
  return { range: view.range, places, owners, askers, blocks: view.blocks };
}

interface Growing {
  readonly places: Map<string, Map<string, Place[]>>;
  readonly owners: Map<string, { project: string; service: string }>;
  readonly askers: Map<string, Asker>;
}

function addInstance(instance: Instance, serves: boolean, { places, owners, askers }: Growing): void {
  const project = instance.meta[META.project] ?? '';
  const service = instance.meta[META.service] ?? '';
  const addresses = jsonRecord(instance.meta[META.addresses]);
  const aliases = jsonRecord(instance.meta[META.names]);
  const inProject = places.get(project) ?? new Map<string, Place[]>();
  places.set(project, inProject);
  const networks = Object.keys(addresses).toSorted();
  for (const [network, address] of Object.entries(addresses)) {
    if (typeof address !== 'string') continue;
    owners.set(address, { project, service });
    askers.set(address, { project, networks });
    for (const name of new Set([service, ...texts(aliases[network])].map((one) => one.toLowerCase()))) {
      const known = inProject.get(name) ?? [];
      const place = { instance: instance.id, network };
      known.push(serves ? { ...place, address } : place);
      inProject.set(name, known);
    }
  }
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

function jsonRecord(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/**
 * Who asks decides: names of the asker's own project, in networks that it is in. Names of other projects do not exist for
 * it; everything else is for the host's resolvers, unless the asker is in internal networks only.
 */
export function answerQuestion(names: Names, question: Question): Reply {
  const name = question.name.toLowerCase().replace(/\.$/, '');
  const asker = findAsker(names, question.source);
  const pointed = pointedAddress(name);
  if (pointed !== undefined && contains(names.range, pointed))
    return answerPointer(names, asker, question.type, pointed);
  if (asker === undefined) return isInternalName(names, name) ? { kind: 'refused' } : { kind: 'forward' };
  const suffix = `.${asker.project.toLowerCase()}.internal`;
  const found = places(names, asker, name.endsWith(suffix) ? name.slice(0, -suffix.length) : name);
  if (found.length > 0) {
    const addresses = question.type === 'A' ? found.flatMap((place) => place.address ?? []) : [];
    return addresses.length > 0 ? { kind: 'addresses', addresses } : { kind: 'empty' };
  }
  // A name without a dot is a service that is not there; resolvers outside know none, but may take seconds to say so.
  if (isInternalName(names, name) || name.endsWith(suffix)) return { kind: 'unknown' };
  return hasWayOut(names, asker) ? { kind: 'forward', ...ownResolvers(names, asker) } : { kind: 'unknown' };
}

function findAsker(names: Names, source: string): Asker | undefined {
  const known = names.askers.get(source);
  if (known !== undefined) return known;
  const block = names.blocks.find((one) => contains(one.subnet, source));
  return block === undefined ? undefined : { project: block.project, networks: [block.network] };
}

/** Places of a name that the asker reaches, each instance once: in the first network that both are in. */
function places(names: Names, asker: Asker, name: string): readonly Place[] {
  const known = names.places.get(asker.project)?.get(name) ?? [];
  const reached = asker.networks.flatMap((network) => known.filter((place) => place.network === network));
  return reached.filter(
    (place, index) => reached.findIndex((one) => one.instance === place.instance) === index,
  );
}

function isInternalName(names: Names, name: string): boolean {
  if (!name.includes('.')) return true;
  const labels = name.split('.');
  if (labels.at(-1) !== 'internal') return false;
  const project = labels.at(-2) ?? '';
  // Clouds have names of their own below `internal`; only those of projects are Seawall's.
  return [...names.places.keys(), ...names.blocks.map((block) => block.project)].some(
    (one) => one.toLowerCase() === project,
  );
}

function hasWayOut(names: Names, asker: Asker): boolean {
  return asker.networks.some(
    (network) =>
      names.blocks.find((block) => block.project === asker.project && block.network === network)?.internal !==
      true,
  );
}

/**
 * What the server asks it asks as the host: a container's loopback would be the host's, and an address in the cluster one
 * that the container itself may not reach.
 */
function ownResolvers(names: Names, { resolvers = [] }: Asker): { readonly resolvers?: readonly string[] } {
  const usable = resolvers.filter(
    (one) => !contains('127.0.0.0/8', one) && !contains(names.range, one) && one !== '::1',
  );
  return usable.length === 0 ? {} : { resolvers: usable };
}

function pointedAddress(name: string): string | undefined {
  const labels = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return labels === null ? undefined : labels.slice(1).toReversed().join('.');
}

function answerPointer(names: Names, asker: Asker | undefined, type: string, address: string): Reply {
  if (asker === undefined) return { kind: 'refused' };
  const owner = names.owners.get(address);
  if (owner === undefined || owner.project !== asker.project) return { kind: 'unknown' };
  return type === 'PTR'
    ? { kind: 'pointer', name: `${owner.service}.${owner.project}.internal` }
    : { kind: 'empty' };
}
