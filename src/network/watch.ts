import { join } from 'node:path';
import { type CatalogClient, parseEntry, watchKeys } from '../catalog/index.ts';
import { type HostRecord, KEY, type SubnetRecord } from '../catalog/record.ts';
import { type ClusterFile, linkPort, OWN } from '../cluster.ts';
import { describeError } from '../errors.ts';
import type { Docker } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { reportOnce } from '../report-once.ts';
import { retryDelayMs } from '../retry.ts';
import { Wake } from '../wake.ts';
import { believedSubnets } from './believed-subnets.ts';
import { HostRules } from './iptables.ts';
import { applyLink } from './link.ts';
import { localContainers } from './local-containers.ts';
import type { Paths } from './paths.ts';
import { renderRules } from './rules.ts';
import type { LocalContainer, RulesHost } from './rules-model.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

export interface NetworkOptions {
  readonly cluster: ClusterFile;
  readonly client: Pick<CatalogClient, 'kvList'>;
  readonly docker: Pick<Docker, 'listContainers' | 'events'>;
  /** Folder of the snapshots. */
  readonly stateFolder: string;
  /** Paths that carry less than the link. */
  readonly paths: Paths;
  /** Ends the loop. Rules and link stay. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Rules and link are in place as of now. */
  readonly onApplied?: (state: LinkState) => void;
  /** Milliseconds between two looks when nothing happens; default 30000. */
  readonly intervalMs?: number;
}

/** The link as it was last applied. */
export interface LinkState {
  /** Bytes of the largest packet that fits through. */
  readonly linkMtu: number;
  /** Each with its own size where its path carries less. */
  readonly peers: readonly (RulesHost & { readonly mtu?: number })[];
}

/** What the agent last read from the catalog about the network. */
interface NetworkSnapshot {
  readonly hosts: readonly RulesHost[];
  readonly subnets: readonly SubnetRecord[];
}

/** Files of the state folder: {@link NetworkSnapshot}, and the containers of this host for the server. */
const NETWORK_FILE = 'network.json';
const MAX_RETRY_MS = 10_000;
export const CONTAINERS_FILE = 'containers.json';

const EVENTS = {
  type: ['container', 'network'],
  event: ['create', 'start', 'die', 'destroy', 'connect', 'disconnect'],
};

/**
 * Keeps the host's rules and its end of the link what the catalog and Docker say: rules first, then the link; looked at
 * after each change and every 30 seconds, because others can flush rules. @returns once the signal is aborted; never rejects.
 */
export async function watchNetwork(options: NetworkOptions): Promise<void> {
  const network = new Network(options);
  await network.restore();
  await network.tryRemembered();
  // The catalog is behind the link: a connection begun before it would have the wrong source address and hang.
  await network.try();
  await Promise.all([network.followCatalog(), network.followEvents(), network.keep()]);
}

class Network {
  readonly #options: NetworkOptions;
  readonly #rules = new HostRules();
  readonly #wake = new Wake();
  readonly #onError: (error: unknown) => void;
  #hosts: readonly RulesHost[];
  #subnets: readonly SubnetRecord[] = [];
  /** Of the time before this start. */
  #remembered: readonly LocalContainer[] | undefined;
  /** What the snapshot files hold, as text. */
  readonly #written = new Map<string, string>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#hosts = options.cluster.hosts;
    this.#onError = reportOnce((text) => options.log(`error network: ${text}`)).report;
    options.paths.listen(() => this.#wake.ring());
  }

  /** What the cluster file says of a host is as new as the last setup; the snapshot adds what came after it. */
  async restore(): Promise<void> {
    const { stateFolder, cluster } = this.#options;
    const last = await readSnapshot<NetworkSnapshot>(join(stateFolder, NETWORK_FILE));
    if (last === undefined) return;
    const names = new Set(cluster.hosts.map((host) => host.name));
    this.#hosts = [...cluster.hosts, ...last.hosts.filter((host) => !names.has(host.name))];
    this.#subnets = last.subnets;
    this.#remembered = await readSnapshot<LocalContainer[]>(join(stateFolder, CONTAINERS_FILE));
  }

  /**
   * Puts in place what was right before the start, without Docker, which is busy while a host boots: until there are
   * rules strangers reach published ports, and on old engines replicas.
   */
  async tryRemembered(): Promise<void> {
    const containers = this.#remembered;
    if (containers !== undefined) await this.#attempt(() => this.#apply(containers));
  }

  async followCatalog(): Promise<void> {
    const { client, cluster, signal, log } = this.#options;
    const onError = reportOnce((text) => log(`warn network: reading the catalog: ${text}`)).report;
    const hosts = watchKeys(
      client,
      KEY.hosts,
      (entries) => {
        const records = entries.map((entry) => parseEntry<HostRecord>(entry));
        // A catalog that does not know this host is not filled yet: it must not take the link away.
        if (!records.some((record) => record.name === cluster.host.name)) return;
        this.#hosts = records;
        this.#wake.ring();
      },
      { signal, onError },
    );
    const subnets = watchKeys(
      client,
      KEY.subnets,
      (entries) => {
        const records = entries.map((entry) => parseEntry<SubnetRecord>(entry));
        this.#subnets = believedSubnets(records, this.#subnets, cluster.host.name);
        this.#wake.ring();
      },
      { signal, onError },
    );
    await Promise.all([hosts, subnets]);
  }

  async followEvents(): Promise<void> {
    const { docker, signal, log } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const events = docker.events({ filters: EVENTS, signal });
        // Whatever happened before the stream stood is in the next listing.
        this.#wake.ring();
        for await (const _event of events) {
          failures = 0;
          this.#wake.ring();
        }
      } catch (error) {
        if (failures === 0) log(`warn network: Docker's events: ${describeError(error)}`);
      }
      failures += 1;
      await new Wake().wait(retryDelayMs(failures, MAX_RETRY_MS), signal);
    }
  }

  async keep(): Promise<void> {
    const { signal, intervalMs = 30_000 } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      await this.#wake.wait(failures > 0 ? retryDelayMs(failures, MAX_RETRY_MS) : intervalMs, signal);
      failures = (await this.try()) ? 0 : failures + 1;
    }
  }

  /** @returns whether rules and link are in place. Never rejects. */
  async try(): Promise<boolean> {
    const { docker, signal } = this.#options;
    return this.#attempt(async () => {
      const listing = await docker.listContainers({ all: true, labels: [LABEL.project], signal });
      await this.#apply(localContainers(listing));
    });
  }

  async #attempt(work: () => Promise<void>): Promise<boolean> {
    const { signal } = this.#options;
    try {
      if (!signal.aborted) await work();
      return true;
    } catch (error) {
      if (!signal.aborted) this.#onError(error);
      return false;
    }
  }

  async #apply(containers: readonly LocalContainer[]): Promise<void> {
    const { cluster, paths, signal, log, onApplied } = this.#options;
    const hosts = this.#hosts.map(rulesHost);
    const subnets = this.#subnets;
    const own = cluster.host;
    const peers = hosts.filter((host) => host.name !== own.name);
    const { range, link: kind, isLinkInUserSpace: isInUserSpace = false } = cluster;
    const port = linkPort(cluster);
    const input = {
      range,
      link: kind,
      linkPort: port,
      own: own.name,
      hosts,
      subnets,
      containers,
      catalogPort: cluster.catalog.port,
    };
    if (await this.#rules.apply(renderRules(input), signal)) {
      log(`info network: host rules applied (${peers.length} peers, ${containers.length} containers)`);
    }
    const ends = peers.map((peer) => {
      const carries = paths.get(peer);
      return carries === undefined ? peer : { ...peer, mtu: carries };
    });
    const { commands, mtu } = await applyLink({
      ...{ kind, port, isInUserSpace, range, own, peers: ends, signal },
    });
    if (commands.length > 0)
      log(`info network: ${OWN.link} set up (${commands.length} commands, MTU ${mtu})`);
    await this.#remember({ hosts, subnets }, containers);
    onApplied?.({ linkMtu: mtu, peers: ends });
  }

  async #remember(network: NetworkSnapshot, containers: readonly LocalContainer[]): Promise<void> {
    for (const [name, value] of Object.entries({ [NETWORK_FILE]: network, [CONTAINERS_FILE]: containers })) {
      const text = JSON.stringify(value);
      if (this.#written.get(name) === text) continue;
      await writeSnapshot(join(this.#options.stateFolder, name), value);
      this.#written.set(name, text);
    }
  }
}

/** What rules and link need of a host; the catalog's record has more. */
const rulesHost = ({ name, number, address, publicKey }: RulesHost): RulesHost => ({
  name,
  number,
  address,
  ...(publicKey === undefined ? {} : { publicKey }),
});
