import { join } from 'node:path';
import type { HeldKey } from '../catalog/index.ts';
import type { Acknowledgement, RouteRecord } from '../catalog/record.ts';
import { defaultEdgeRules, type EdgeRules, HOST_PATH } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { reportOnce } from '../report-once.ts';
import { admit } from './admission.ts';
import { candidatesOf, knownAddresses } from './candidates.ts';
import type { EdgeCapabilities } from './capabilities.ts';
import type { EdgeStatus, InForce } from './in-force.ts';
import { edgeInputs, type Heard } from './inputs.ts';
import { watchLogSize } from './log-size.ts';
import { canListenOnIpv6, hasAddresses } from './machine.ts';
import { type EdgeModel, type EdgeSettings, edgeModel, type RouteProblem } from './model.ts';
import type { NginxControl } from './nginx.ts';
import type { EdgeOptions } from './options.ts';
import { pause } from './pause.ts';
import { renderNginx } from './render.ts';
import { silentCandidates } from './silent-hosts.ts';
import { type EdgeSnapshot, isSameSnapshot, readSnapshot, writeSnapshot } from './snapshot.ts';
import { type EdgeTools, edgePathOf, makeNginxControl, sourcesOf, startTools } from './tools.ts';
import { watchTraffic } from './traffic.ts';

/** Milliseconds that changes are gathered before nginx is given another configuration, right after it was given one. */
const batchMs = 20;
/** The same while nothing changed: what came with the first news. */
const settleMs = 2;
/** Milliseconds between two looks at whether nginx serves what it should. */
const idleMs = 5_000;
const absentEveryMs = 1_000;
const lingeringEveryMs = 250;
const upgradedEveryMs = 2_000;
const noHttp3 = 'this nginx was built without HTTP/3: domains are served over HTTP/1.1 and HTTP/2';

/** The edge loop of a host, with its {@link EdgeStatus} to look at. */
export class EdgeLoop {
  readonly #options: EdgeOptions;
  readonly #edgePath: string;
  readonly #statePath: string;
  readonly #rules: EdgeRules;
  readonly #privateSources: { readonly requests: string; readonly upgraded: string };
  readonly #clock: () => number;
  #inForce: InForce | undefined;
  #wake = new AbortController();
  /** Project → hash of its routes entry, of the routes that are in force. */
  #routes: Readonly<Record<string, string>> = {};
  #routeProblems: readonly RouteProblem[] = [];
  #said: Acknowledgement | undefined;
  #snapshot: EdgeSnapshot | undefined;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#edgePath = edgePathOf(options);
    this.#statePath = options.paths?.state ?? HOST_PATH.agentState;
    this.#clock = options.clock ?? (() => performance.now());
    this.#privateSources = sourcesOf(options);
    this.#rules = options.rules ?? defaultEdgeRules;
  }

  /** Undefined before the loop has begun. */
  get status(): EdgeStatus | undefined {
    return this.#inForce?.status;
  }

  /** Runs until the signal of the options; never rejects. */
  async run(): Promise<void> {
    const { client, host, signal, log } = this.#options;
    const logPath = join(this.#edgePath, 'logs', 'access.log');
    const statePath = join(this.#statePath, 'traffic.json');
    const snapshot = await readSnapshot(join(this.#statePath, 'edge.json'));
    const nginx = makeNginxControl(this.#options, snapshot?.capabilities);
    const reopen = () => nginx.reopenLogs(signal);
    await Promise.all([
      this.#serve(nginx, snapshot),
      watchTraffic({ client, host: host.name, logPath, statePath, signal, log }),
      watchLogSize({ logPath, reopen, signal, log }),
    ]);
  }

  async #serve(nginx: NginxControl, snapshot: EdgeSnapshot | undefined): Promise<void> {
    const { signal, log } = this.#options;
    const failure = reportOnce((text) => log(`edge: ${text}`));
    const ipv6 = await canListenOnIpv6();
    const tools = startTools(this.#options, nginx, snapshot, () => this.#wake.abort());
    this.#inForce = tools.inForce;
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      let waitMs = idleMs;
      const before = tools.inForce.status.generation;
      try {
        waitMs = await this.#step(tools, ipv6);
        failures = 0;
        failure.over();
      } catch (error) {
        if (signal.aborted) break;
        failure.report(error);
        failures += 1;
        waitMs = Math.min(5_000, 200 * 2 ** failures) * (0.75 + Math.random() / 2);
      }
      await pause(waitMs, failures > 0 ? signal : woken);
      await pause(tools.inForce.status.generation === before ? settleMs : batchMs, signal);
    }
    // Its session is left to a successor: a restart of the agent is not seen by a rollout.
    tools.nginx.close();
    const left = [tools.ack, tools.tlsAck].map((ack) => ack.close({ leave: true }));
    await Promise.all([tools.ear.close(), tools.tlsEar.close(), ...left]);
  }

  /** One pass from what is known to what is acknowledged. @returns milliseconds until the next look without news. */
  async #step(tools: EdgeTools, ipv6: boolean): Promise<number> {
    const { signal, wallClock = Date.now } = this.#options;
    const { nginx, tls, tlsEar } = tools;
    const heard = tools.ear.heard(this.#clock());
    // A disk that takes no challenge answer must not keep replicas from being swapped.
    await tls.publish(tlsEar.heard).catch(tools.onFileError);
    const capabilities = await nginx.capabilities(signal);
    const sources = await this.#sources();
    const settings = this.#settings(ipv6, capabilities, sources);
    if (heard === undefined) {
      // A host's first start: nginx can already cut unknown hosts, and says that it is there.
      if ((await nginx.current()) === undefined) await this.#bootstrap(nginx, settings);
      return idleMs;
    }
    if (this.#rules.http3) await tls.makeQuicKey();
    const { inputs: heardInputs, problems: unreadable } = edgeInputs(heard);
    // A start without memory: to refuse handshakes until certificates are heard of would cut off whom nginx still serves.
    if (!tls.hasMemory && !tlsEar.isWhole && heardInputs.routes.some(needsTls)) return idleMs;
    const state = await tls.settle(tlsEar.heard, heardInputs.routes, wallClock());
    const inputs = { ...heardInputs, ...tls.root };
    const { candidates, problems: unfit } = candidatesOf(inputs);
    tools.probes.setCandidates(candidates, sources?.requests);
    const admission = admit(candidates, tools.probes.histories);
    const { model, problems } = edgeModel(inputs.routes, admission.inForce, settings, state);
    let failure: { readonly error: unknown } | undefined;
    try {
      const addresses = model.upstreams.flatMap((upstream) => upstream.addresses);
      await tools.inForce.put(model, () => this.#remember(heard, addresses, capabilities, tools));
      this.#noteRoutes(heard, [...unreadable, ...problems]);
    } catch (error) {
      failure = { error };
    }
    signal.throwIfAborted();
    const confirmation = await tools.inForce.confirm(knownAddresses(inputs));
    const refused = Object.fromEntries(
      this.#routeProblems.map(({ text }, index) => [`route ${index + 1}`, text]),
    );
    const refusal = failure === undefined ? undefined : describeError(failure.error);
    const own = {
      ...(refusal === undefined ? {} : { nginx: refusal }),
      ...(this.#rules.http3 && !capabilities.http3 ? { http3: noHttp3 } : {}),
    };
    this.#say(tools.ack, confirmation, { ...unfit, ...admission.problems, ...refused, ...own });
    if (confirmation !== undefined)
      await this.#sayTls(tools, failure === undefined ? model : undefined, refusal);
    if (failure !== undefined) throw failure.error;
    if (confirmation === undefined) return absentEveryMs;
    // Not waited for: what is in force and said must not wait for machines that do not answer.
    void tools.silentHosts.see(silentCandidates(candidates, tools.probes.histories, admission.inForce));
    const counts = Object.values(confirmation.lingering);
    if (counts.some(({ requests }) => requests !== 0)) return lingeringEveryMs;
    return counts.length > 0 ? upgradedEveryMs : idleMs;
  }

  async #bootstrap(nginx: NginxControl, settings: EdgeSettings): Promise<void> {
    const { model } = edgeModel([], new Map(), { ...settings, generation: 1 });
    await nginx.apply({ generation: 1, text: renderNginx(model) }, this.#options.signal);
  }

  /** @param model what nginx serves; undefined: it did not take the newest. */
  async #sayTls(
    { tls, tlsAck, inForce }: EdgeTools,
    model: EdgeModel | undefined,
    refusal: string | undefined,
  ): Promise<void> {
    if (model !== undefined) tls.confirmed(model);
    tlsAck.put(JSON.stringify(tls.acknowledgement(refusal)));
    const generation = inForce.status.generation ?? 0;
    if (model !== undefined) await tls.prune({ ...model, settings: { ...model.settings, generation } });
  }

  /** A project of which a route was left out is not served as it wants: its hash is not acknowledged. */
  #noteRoutes(heard: Heard, problems: readonly RouteProblem[]): void {
    const incomplete = new Set(problems.map(({ project }) => project));
    const entries = Object.entries(heard.routes ?? {}).filter(([project]) => !incomplete.has(project));
    this.#routes = Object.fromEntries(entries.map(([project, text]) => [project, sha256(text)]));
    for (const { text } of problems) {
      if (!this.#routeProblems.some((known) => known.text === text)) this.#options.log(`edge: ${text}`);
    }
    this.#routeProblems = problems;
  }

  /** Without confirmation what was said before stands, and keeps everybody waiting, which is right. */
  #say(
    ack: HeldKey,
    confirmation: Pick<Acknowledgement, 'generation' | 'services' | 'lingering'> | undefined,
    problems: Readonly<Record<string, string>>,
  ): void {
    if (confirmation !== undefined)
      this.#said = { ...confirmation, routes: this.#routes, problems: sortKeys(problems) };
    else if (this.#said !== undefined) {
      const absent = { ...this.#said.problems, nginx: 'nginx does not answer on its status socket' };
      this.#said = { ...this.#said, problems: absent };
    }
    if (this.#said !== undefined) ack.put(JSON.stringify(this.#said));
  }

  async #remember(
    heard: Heard,
    admitted: readonly string[],
    capabilities: EdgeCapabilities,
    { inForce, tls }: EdgeTools,
  ): Promise<void> {
    const snapshot = {
      version: 1,
      heard,
      admitted,
      book: inForce.book,
      tls: tls.kept,
      capabilities,
    } as const;
    if (this.#snapshot !== undefined && isSameSnapshot(snapshot, this.#snapshot)) return;
    await writeSnapshot(join(this.#statePath, 'edge.json'), snapshot);
    this.#snapshot = snapshot;
  }

  /** For a model whose generation is not known yet. */
  #settings(ipv6: boolean, capabilities: EdgeCapabilities, sources: EdgeSettings['sources']): EdgeSettings {
    const { httpPort, user = 'nginx' } = this.#options;
    const paths = { edge: this.#edgePath };
    const rules = this.#rules;
    const own = { generation: 0, httpPort, rules, capabilities, ipv6, user, paths };
    return sources === undefined ? own : { ...own, sources };
  }

  /** Undefined before the private network is up: then the kernel chooses, and upgraded connections count as requests. */
  async #sources(): Promise<EdgeSettings['sources']> {
    const { requests, upgraded } = this.#privateSources;
    return (await hasAddresses([requests, upgraded])) ? this.#privateSources : undefined;
  }
}

const needsTls = ({ tls, upstreamTls }: RouteRecord): boolean => tls !== 'off' || upstreamTls !== undefined;

const sortKeys = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
