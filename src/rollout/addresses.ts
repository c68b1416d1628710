import { ensureSubnet, parseEntry, updateRecord } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { ContainerSummary, HostLink } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { dockerNetworkName } from '../plan/index.ts';
import { allocateAddress } from '../ranges.ts';
import type { RolloutContext } from './context.ts';

/** Time for which an address that not everybody dropped is kept from new replicas. */
const QUARANTINE_MS = 3_600_000;

type Quarantine = Readonly<Record<string, string>>;

/**
 * Gives replicas their fixed addresses. One instance per rollout: it remembers what it gave, so that replicas that start
 * side by side never get the same.
 */
export class AddressBook {
  readonly #context: RolloutContext;
  readonly #given = new Map<string, string>();
  readonly #queue = new Map<string, Promise<unknown>>();

  constructor(context: RolloutContext) {
    this.#context = context;
  }

  /** Free addresses on the host, one for each network; round and round, so that one comes back as late as possible. */
  async allocate(host: HostLink, networks: readonly string[]): Promise<Record<string, string>> {
    const before = this.#queue.get(host.name) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.#allocate(host, networks));
    this.#queue.set(host.name, mine);
    return mine;
  }

  async #allocate(host: HostLink, networks: readonly string[]): Promise<Record<string, string>> {
    const { client, desired, cluster, signal } = this.#context;
    const containers = await host.docker.listContainers({ all: true, signal });
    const { value: entry } = await client.kvGet(KEY.quarantine(host.name), { signal });
    const quarantined = entry ? Object.keys(parseEntry<Quarantine>(entry)) : [];
    const taken = new Set([...containers.flatMap(addressesOf), ...this.#given.keys(), ...quarantined]);
    const addresses: Record<string, string> = {};
    for (const network of networks) {
      const subnet = await ensureSubnet(client, cluster.range, this.#number(host.name), {
        host: host.name,
        project: desired.project,
        network,
        internal: desired.networks[network]?.internal === true,
      });
      const newest = containers
        .toSorted((a, b) => b.Created - a.Created)
        .find((each) => addressIn(each, desired.project, network));
      const cursor =
        this.#given.get(`${host.name}/${network}`) ?? (newest && addressIn(newest, desired.project, network));
      const address = allocateAddress(subnet.cidr, taken, cursor);
      taken.add(address);
      this.#given.set(address, address);
      this.#given.set(`${host.name}/${network}`, address);
      addresses[network] = address;
    }
    return addresses;
  }

  #number(host: string): number {
    return this.#context.hosts.find((each) => each.name === host)?.number ?? 0;
  }
}

/** Keeps addresses from being given again, because an edge or a resolver could not say that it dropped them. */
export async function quarantine(
  context: RolloutContext,
  host: string,
  addresses: readonly string[],
  now: Date,
): Promise<void> {
  await updateRecord<Quarantine>(context.client, KEY.quarantine(host), (present = {}) => {
    const added = Object.fromEntries(addresses.map((address) => [address, now.toISOString()]));
    return { ...stillHeld(present, now), ...added };
  });
}

function stillHeld(quarantine: Quarantine, now: Date): Quarantine {
  const entries = Object.entries(quarantine);
  return Object.fromEntries(entries.filter(([, since]) => now.getTime() - Date.parse(since) < QUARANTINE_MS));
}

function addressesOf(container: ContainerSummary): string[] {
  return Object.values(container.NetworkSettings?.Networks ?? {}).flatMap((endpoint) =>
    [endpoint.IPAMConfig?.IPv4Address ?? '', endpoint.IPAddress].filter((address) => address !== ''),
  );
}

function addressIn(container: ContainerSummary, project: string, network: string): string | undefined {
  if (container.Labels[LABEL.kind] !== 'replica') return undefined;
  const endpoint = container.NetworkSettings?.Networks?.[dockerNetworkName(project, network)];
  return endpoint?.IPAMConfig?.IPv4Address ?? endpoint?.IPAddress;
}
