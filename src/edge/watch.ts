import { join } from 'node:path';
import { type CatalogClient, HeldKey } from '../catalog/index.ts';
import { type Acknowledgement, KEY } from '../catalog/record.ts';
import { type ClusterHost, HOST_PATH, OWN } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import type { Docker } from '../hosts/index.ts';
import { type Admission, admit } from './admission.ts';
import { workersToEnd } from './bounds.ts';
import { candidatesOf, type EdgeInputs, knownAddresses } from './candidates.ts';
import { CatalogEar } from './heard.ts';
import { edgeInputs, type Heard } from './inputs.ts';
import {
  emptyBook,
  type GenerationBook,
  lingeringOf,
  oldWorkers,
  withGeneration,
  withWorkers,
} from './lingering.ts';
import { watchLogSize } from './log-size.ts';
import { canListenOnIpv6, hasAddresses } from './machine.ts';
import { type EdgeModel, type EdgeSettings, edgeModel, servicesInForce } from './model.ts';
import { NginxControl } from './nginx.ts';
import { pause } from './pause.ts';
import { Probes } from './probes.ts';
import { renderNginx } from './render.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { watchTraffic } from './traffic.ts';
import type { Worker } from './workers.ts';

export interface EdgeOptions {
  readonly client: Pick<
    CatalogClient,
    | 'kvGet'
    | 'kvList'
    | 'kvPut'
    | 'services'
    | 'serviceInstances'
    | 'sessionCreate'
    | 'sessionDestroy'
    | 'sessionInfo'
    | 'sessionRenew'
  >;
  readonly docker: Pick<Docker, 'exec' | 'killContainer' | 'inspectContainer'>;
  readonly host: Pick<ClusterHost, 'name' | 'privateAddress'>;
  /** TCP port for plain HTTP. */
  readonly httpPort: number;
  /** Ends the loop; nginx serves on. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock?: () => number;
  /** Where things are; tests and the demo have other places. */
  readonly paths?: { readonly edge: string; readonly state: string };
  readonly container?: string;
  /** Unix user of nginx's workers. */
  readonly user?: string;
}

/** What an edge is doing, for people and metrics. */
export interface EdgeStatus {
  /** Configuration that nginx confirmed; undefined while it does not answer. */
  readonly generation: number | undefined;
  readonly oldWorkers: number;
  readonly oldWorkerBytes: number;
  /** Client connections cut since the start because there were too many old workers. */
  readonly cutSockets: number;
  readonly problems: readonly string[];
}

/** Milliseconds that changes are gathered before nginx is given a new configuration. */
const batchMs = 20;
/** Milliseconds between two looks at whether nginx serves what it should. */
const idleMs = 5_000;
const lingeringEveryMs = 250;
const upgradedEveryMs = 2_000;
const ackTtlMs = 15_000;

/** The edge loop of a host, until the signal ends it. Everything it meets is logged and tried again; it never rejects. */
export async function watchEdge(options: EdgeOptions): Promise<void> {
  await new EdgeLoop(options).run();
}

interface Applied {
  readonly model: EdgeModel;
  readonly text: string;
  /** Project → hash of its routes entry. */
  readonly routes: Readonly<Record<string, string>>;
}

/** {@link watchEdge} with its {@link EdgeStatus} to look at. */
export class EdgeLoop {
  readonly #options: EdgeOptions;
  readonly #edgePath: string;
  readonly #statePath: string;
  readonly #nginx: NginxControl;
  readonly #privateSources: { readonly requests: string; readonly upgraded: string };
  readonly #clock: () => number;
  #wake = new AbortController();
  #book: GenerationBook = emptyBook;
  #applied: Applied | undefined;
  #workers: readonly Worker[] | undefined;
  #running: number | undefined;
  /** Generation after whose confirmation the workers were looked at. */
  #scanned: number | undefined;
  #said: Acknowledgement | undefined;
  #cutSockets = 0;
  #problems: readonly string[] = [];
  #snapshotText = '';

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#edgePath = options.paths?.edge ?? HOST_PATH.edge;
    this.#statePath = options.paths?.state ?? HOST_PATH.agentState;
    this.#clock = options.clock ?? (() => performance.now());
    this.#privateSources = sourcesOf(options.host.privateAddress);
    this.#nginx = new NginxControl({
      docker: options.docker,
      container: options.container ?? OWN.edge,
      edgePath: this.#edgePath,
      sockets: { listenPorts: [options.httpPort], upgradedSource: this.#privateSources.upgraded },
    });
  }

  get status(): EdgeStatus {
    const old = oldWorkers(this.#workers ?? [], this.#book, this.#running ?? -1);
    return {
      generation: this.#running,
      oldWorkers: old.length,
      oldWorkerBytes: old.reduce((sum, worker) => sum + worker.memoryBytes, 0),
      cutSockets: this.#cutSockets,
      problems: this.#problems,
    };
  }

  /** Runs until the signal of the options; never rejects. */
  async run(): Promise<void> {
    const { client, host, signal, log } = this.#options;
    const logPath = join(this.#edgePath, 'logs', 'access.log');
    const statePath = join(this.#statePath, 'traffic.json');
    const reopen = () => this.#nginx.reopenLogs(signal);
    await Promise.all([
      this.#serve(),
      watchTraffic({ client, host: host.name, logPath, statePath, signal, log }),
      watchLogSize({ logPath, reopen, signal, log }),
    ]);
  }

  async #serve(): Promise<void> {
    const { client, host, signal, log } = this.#options;
    const snapshot = await readSnapshot(join(this.#statePath, 'edge.json'));
    this.#book = snapshot?.book ?? emptyBook;
    const onChange = () => this.#wake.abort();
    const onError = onceInARow((error) => log(`edge: catalog: ${describeError(error)}`));
    const ear = new CatalogEar({ client, signal, before: snapshot?.heard, onChange, onError });
    const probes = new Probes({ signal, onChange, admitted: snapshot?.admitted ?? [] });
    const ack = new HeldKey(client, {
      key: KEY.edgeAck(host.name),
      ttlMs: ackTtlMs,
      behavior: 'delete',
      onError,
    });
    const ipv6 = await canListenOnIpv6();
    const logFailure = onceInARow((error) => log(`edge: ${describeError(error)}`));
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      let waitMs = idleMs;
      try {
        waitMs = await this.#step(ear.heard(this.#clock()), probes, ack, ipv6);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        logFailure(error);
        failures += 1;
        waitMs = Math.min(5_000, 200 * 2 ** failures) * (0.75 + Math.random() / 2);
      }
      await pause(waitMs, failures > 0 ? signal : woken);
      await pause(batchMs, signal);
    }
    // Its session is left to a successor: a restart of the agent is not seen by a rollout.
    await Promise.all([ear.close(), ack.close({ leave: true })]);
  }

  /** One pass from what is known to what is acknowledged. @returns milliseconds until the next look without news. */
  async #step(heard: Heard | undefined, probes: Probes, ack: HeldKey, ipv6: boolean): Promise<number> {
    const { signal } = this.#options;
    if (heard === undefined) {
      // A host's first start: nginx can already cut unknown hosts, and says that it is there.
      if ((await this.#nginx.current()) === undefined) await this.#bootstrap(ipv6);
      return idleMs;
    }
    const { inputs, problems } = edgeInputs(heard);
    const { candidates, problems: unfit } = candidatesOf(inputs);
    probes.setCandidates(candidates, this.#sources()?.requests);
    const admission = admit(candidates, probes.histories);
    let failure: unknown;
    try {
      const left = await this.#apply(heard, inputs, admission, ipv6);
      this.#problems = [...problems, ...left, ...Object.entries(unfit).map(([at, text]) => `${at}: ${text}`)];
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
    const waitMs = await this.#acknowledge(inputs, { ...unfit, ...admission.problems }, failure, ack);
    if (failure !== undefined) throw failure;
    return waitMs;
  }

  async #bootstrap(ipv6: boolean): Promise<void> {
    const { model } = edgeModel([], new Map(), this.#settings(1, ipv6));
    await this.#nginx.apply({ generation: 1, text: renderNginx(model) }, this.#options.signal);
  }

  /** Gives nginx the configuration that follows from the inputs, unless it has it. @returns routes left out. */
  async #apply(
    heard: Heard,
    inputs: EdgeInputs,
    admission: Admission,
    ipv6: boolean,
  ): Promise<readonly string[]> {
    const { signal, log } = this.#options;
    const current = await this.#nginx.current();
    const settings = this.#settings(current?.generation ?? 0, ipv6);
    let { model, problems } = edgeModel(inputs.routes, admission.inForce, settings);
    const routes = Object.fromEntries(
      Object.entries(heard.routes ?? {}).map(([name, text]) => [name, sha256(text)]),
    );
    const addresses = model.upstreams.flatMap((upstream) => upstream.addresses);
    let text = renderNginx(model);
    if (text !== current?.text) {
      const generation = await this.#nginx.nextNumber();
      model = { ...model, settings: { ...settings, generation } };
      text = renderNginx(model);
      // Noted before nginx learns of it: whoever comes after a crash knows what its workers may do.
      await this.#note(current?.generation);
      this.#book = withGeneration(this.#book, generation, addresses);
      await this.#remember(heard, addresses);
      const outcome = await this.#nginx.apply({ generation, text }, signal);
      log(
        `edge: generation ${generation} ${outcome}: ${model.servers.length} domains, ${addresses.length} addresses`,
      );
    } else {
      if (this.#book.addresses[settings.generation] === undefined)
        this.#book = withGeneration(this.#book, settings.generation, addresses);
      await this.#remember(heard, addresses);
    }
    this.#applied = { model, text, routes };
    return problems;
  }

  #mayHaveOldWorkers(generation: number): boolean {
    return (
      this.#scanned !== generation ||
      this.#workers === undefined ||
      oldWorkers(this.#workers, this.#book, generation).length > 0
    );
  }

  /** Looks which workers there are; those that serve belong to `current`. */
  async #note(current: number | undefined): Promise<void> {
    if (current === undefined) return;
    this.#workers = await this.#nginx.workers(this.#options.signal);
    if (this.#workers !== undefined) this.#book = withWorkers(this.#book, this.#workers, current);
  }

  /** Says what is in force, if nginx confirms it. @returns milliseconds until the next look. */
  async #acknowledge(
    inputs: EdgeInputs,
    problems: Readonly<Record<string, string>>,
    failure: unknown,
    ack: HeldKey,
  ): Promise<number> {
    const { signal } = this.#options;
    const applied = this.#applied;
    if (applied === undefined) return 1_000;
    const { generation } = applied.model.settings;
    this.#running = await this.#nginx.running(signal);
    // Not there: it starts with what is current. What was said before keeps everybody waiting, which is right.
    if (this.#running === undefined) {
      const problems = { ...this.#said?.problems, nginx: 'nginx does not answer on its status socket' };
      if (this.#said !== undefined) ack.put(JSON.stringify({ ...this.#said, problems }));
      return 1_000;
    }
    // Another one: it was started between two writes, or did not hear.
    if (this.#running !== generation) await this.#nginx.reload(generation, signal);
    this.#running = generation;
    if (this.#mayHaveOldWorkers(generation)) {
      await this.#note(generation);
      await this.#bound(generation);
      this.#scanned = generation;
    }
    const services = servicesInForce(applied.model);
    const lingering = this.#lingering(generation, new Set(Object.values(services).flat()), inputs);
    const problem = failure === undefined ? {} : { 'nginx.conf': describeError(failure) };
    const content: Acknowledgement = {
      generation,
      routes: applied.routes,
      services,
      lingering,
      problems: sortKeys({ ...problems, ...problem }),
    };
    this.#said = content;
    ack.put(JSON.stringify(content));
    const counts = Object.values(lingering);
    if (counts.some(({ requests }) => requests !== 0)) return lingeringEveryMs;
    return counts.length > 0 ? upgradedEveryMs : idleMs;
  }

  #lingering(
    generation: number,
    inForce: ReadonlySet<string>,
    inputs: EdgeInputs,
  ): Acknowledgement['lingering'] {
    const elsewhere = knownAddresses(inputs);
    if (this.#workers !== undefined)
      return lingeringOf(this.#workers, this.#book, generation, inForce, elsewhere);
    // The container answered a moment ago but could not be looked into: nothing is known of its old workers.
    const all = new Set([...elsewhere, ...Object.values(this.#book.addresses).flat()]);
    const gone = [...all].filter((address) => !inForce.has(address)).toSorted();
    return Object.fromEntries(gone.map((address) => [address, { requests: -1, upgraded: 0 }]));
  }

  /** Ends the oldest workers when there are too many. */
  async #bound(generation: number): Promise<void> {
    const doomed = workersToEnd(this.#workers ?? [], this.#book, generation);
    if (doomed.length === 0) return;
    await this.#nginx.endWorkers(doomed, this.#options.signal);
    const sockets = doomed.reduce((sum, worker) => sum + worker.clients, 0);
    this.#cutSockets += sockets;
    this.#options.log(`edge: ${doomed.length} old nginx workers ended, ${sockets} connections cut`);
  }

  async #remember(heard: Heard, admitted: readonly string[]): Promise<void> {
    const snapshot = { version: 1, heard, admitted, book: this.#book } as const;
    const text = JSON.stringify(snapshot);
    if (text === this.#snapshotText) return;
    await writeSnapshot(join(this.#statePath, 'edge.json'), snapshot);
    this.#snapshotText = text;
  }

  #settings(generation: number, ipv6: boolean): EdgeSettings {
    const { httpPort, user = 'nginx' } = this.#options;
    const sources = this.#sources();
    const paths = { edge: this.#edgePath };
    return { generation, httpPort, ipv6, user, paths, ...(sources === undefined ? {} : { sources }) };
  }

  /** Undefined before the private network is up: then the kernel chooses, and upgraded connections count as requests. */
  #sources(): EdgeSettings['sources'] {
    const { requests, upgraded } = this.#privateSources;
    return hasAddresses([requests, upgraded]) ? this.#privateSources : undefined;
  }
}

/** The host's private address and the one after it (see "The edge" in docs/architecture.md). */
function sourcesOf(privateAddress: string): { readonly requests: string; readonly upgraded: string } {
  const parts = privateAddress.split('.');
  const upgraded = [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
  return { requests: privateAddress, upgraded };
}

const sortKeys = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Reports an error only when the one before was another one. */
function onceInARow(report: (error: unknown) => void): (error: unknown) => void {
  let last = '';
  return (error) => {
    const text = describeError(error);
    if (text !== last) report(error);
    last = text;
  };
}
