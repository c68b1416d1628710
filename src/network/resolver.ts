import { watch } from 'node:fs';
import { join } from 'node:path';
import { type CatalogClient, HeldKey, parseEntry, ServiceView, watchKeys } from '../catalog/index.ts';
import { type Acknowledgement, type Instance, KEY, type SubnetRecord } from '../catalog/record.ts';
import type { ClusterFile } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { blockSubnet } from '../ranges.ts';
import { reportOnce } from '../report-once.ts';
import { Wake } from '../wake.ts';
import { NamesServer } from './dns.ts';
import { Forwarder } from './forward.ts';
import {
  addressesInForce,
  answerQuestion,
  indexNames,
  type Names,
  type NamesView,
  type NetworkBlock,
} from './names.ts';
import type { LocalContainer } from './rules-model.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { CONTAINERS_FILE } from './watch.ts';

export interface NamesOptions {
  readonly cluster: ClusterFile;
  readonly client: CatalogClient;
  /** Folder of this program's own snapshot. */
  readonly stateFolder: string;
  /** Folder in which the agent says which containers run here. */
  readonly agentState: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Says whether the resolver answers, each time it looked. */
  readonly onState?: (state: { readonly isListening: boolean }) => void;
  /** Told of every service of the catalog, each time one changes and all are known. */
  readonly onServices?: (services: ReadonlyMap<string, readonly Instance[]>) => void;
}

interface NamesSnapshot {
  readonly generation: number;
  readonly services: Readonly<Record<string, readonly Instance[]>>;
  readonly aliveHosts: readonly string[];
  readonly blocks: readonly NetworkBlock[];
}

const NAMES_FILE = 'names.json';
const SESSION_TTL_MS = 10_000;

/**
 * Answers names on the host's private address from the catalog, and says there which addresses it gives out. Without a
 * catalog it goes on with what it last knew, also after a restart. @returns once the signal is aborted; never rejects.
 */
export async function watchNames(options: NamesOptions): Promise<void> {
  const resolver = new Resolver(options);
  await resolver.restore();
  await resolver.run();
}

class Resolver {
  readonly #options: NamesOptions;
  readonly #wake = new Wake();
  readonly #onError: (error: unknown) => void;
  #view: NamesView;
  #names: Names;
  #generation = 0;
  #acknowledged = '';
  /** What the catalog has said since the start. */
  readonly #heard = new Set<'services' | 'hosts'>();
  #remembered = '';

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#onError = reportOnce((text) => options.log(`warn names: reading the catalog: ${text}`)).report;
    const { range } = options.cluster;
    this.#view = { range, services: new Map(), aliveHosts: new Set(), blocks: [], containers: [] };
    this.#names = indexNames(this.#view);
  }

  async restore(): Promise<void> {
    const last = await readSnapshot<NamesSnapshot>(join(this.#options.stateFolder, NAMES_FILE));
    if (last === undefined) return;
    this.#generation = last.generation;
    const services = new Map(Object.entries(last.services));
    this.#view = { ...this.#view, services, aliveHosts: new Set(last.aliveHosts), blocks: last.blocks };
  }

  async run(): Promise<void> {
    const { cluster, client, signal, resolvConf = '/etc/resolv.conf', log } = this.#options;
    const forwarder = new Forwarder(resolvConf, cluster.host.privateAddress);
    const server = new NamesServer({
      address: cluster.host.privateAddress,
      answer: (question) => answerQuestion(this.#names, question),
      forward: (query, transport, resolvers) => forwarder.ask(query, transport, resolvers),
      signal,
      log,
    });
    const services = new ServiceView(client, {
      onChange: () => {
        const known = services.snapshot();
        if (services.ready) {
          this.#heard.add('services');
          this.#options.onServices?.(known);
        }
        this.#change({ services: known });
      },
      onError: this.#onError,
      initial: this.#view.services,
    });
    const key = KEY.namesAck(cluster.host.name);
    const held = new HeldKey(client, {
      key,
      ttlMs: SESSION_TTL_MS,
      behavior: 'delete',
      onError: this.#onError,
    });
    const keeping = [this.#followContainers(), this.#keep(server, held)];
    // The catalog is behind the link, whose address the server waits for.
    await server.start();
    services.watchAll();
    await Promise.all([...keeping, this.#followKeys()]);
    await Promise.all([services.close(), held.close({ leave: true })]);
  }

  async #followKeys(): Promise<void> {
    const { client, cluster, signal } = this.#options;
    const options = { signal, onError: this.#onError };
    const { range, host } = cluster;
    const alives = watchKeys(
      client,
      KEY.alives,
      (entries) => {
        this.#heard.add('hosts');
        this.#change({ aliveHosts: new Set(entries.map((entry) => entry.key.slice(KEY.alives.length))) });
      },
      options,
    );
    let hadBlocks = false;
    const subnets = watchKeys(
      client,
      KEY.subnet(host.name),
      (entries) => {
        const record = entries.find((entry) => entry.key === KEY.subnet(host.name));
        // Blocks that are given back leave their record: without it the catalog has lost its data.
        if (record === undefined && hadBlocks) return;
        const blocks = record === undefined ? {} : parseEntry<SubnetRecord>(record).blocks;
        hadBlocks = Object.keys(blocks).length > 0;
        const listed = Object.entries(blocks).map(([block, owner]) => ({
          ...owner,
          subnet: blockSubnet(range, host.number, Number(block)),
        }));
        this.#change({ blocks: listed });
      },
      options,
    );
    await Promise.all([alives, subnets]);
  }

  /** The agent replaces the file whenever a container comes or goes; a look every second covers lost notices. */
  async #followContainers(): Promise<void> {
    const { agentState, signal } = this.#options;
    const bell = new Wake();
    const watcher = watchFolder(agentState, () => bell.ring(), signal);
    let last = '';
    while (!signal.aborted) {
      const containers = (await readSnapshot<LocalContainer[]>(join(agentState, CONTAINERS_FILE))) ?? [];
      const text = JSON.stringify(containers);
      if (text !== last) this.#change({ containers });
      last = text;
      await bell.wait(1_000, signal);
    }
    watcher?.close();
  }

  #change(part: Partial<NamesView>): void {
    this.#view = { ...this.#view, ...part };
    this.#wake.ring();
  }

  /** Puts changes in force, then says so. */
  async #keep(server: NamesServer, held: HeldKey): Promise<void> {
    const { signal, onState } = this.#options;
    while (!signal.aborted) {
      this.#names = indexNames(this.#view);
      // What stands in a snapshot may be long out of date: it is used, but not promised.
      if (this.#heard.size === 2) {
        if (server.isListening) this.#acknowledge(held);
        await this.#remember();
      }
      onState?.({ isListening: server.isListening });
      await this.#wake.wait(server.isListening ? 5_000 : 250, signal);
    }
  }

  #acknowledge(held: HeldKey): void {
    const services = addressesInForce(this.#view);
    const text = JSON.stringify(services);
    if (text === this.#acknowledged) return;
    this.#acknowledged = text;
    this.#generation += 1;
    const record: Acknowledgement = {
      generation: this.#generation,
      services,
      lingering: {},
      problems: {},
      routes: {},
    };
    held.put(JSON.stringify(record));
  }

  async #remember(): Promise<void> {
    const { services, aliveHosts, blocks } = this.#view;
    const mark = JSON.stringify([this.#acknowledged, [...aliveHosts], blocks]);
    if (mark === this.#remembered) return;
    this.#remembered = mark;
    const snapshot: NamesSnapshot = {
      generation: this.#generation,
      services: Object.fromEntries(services),
      aliveHosts: [...aliveHosts],
      blocks,
    };
    const path = join(this.#options.stateFolder, NAMES_FILE);
    await writeSnapshot(path, snapshot).catch((error: unknown) =>
      this.#options.log(`warn names: ${path}: ${describeError(error)}`),
    );
  }
}

function watchFolder(
  folder: string,
  onChange: () => void,
  signal: AbortSignal,
): { close(): void } | undefined {
  try {
    const watcher = watch(folder, { signal }, onChange);
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    return undefined;
  }
}
