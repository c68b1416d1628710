import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CatalogClient } from '../catalog/index.ts';
import type { ClusterHost } from '../cluster.ts';
import { describeError } from '../errors.ts';
import type { ContainerSummary, Docker, DockerEvent } from '../hosts/index.ts';
import { Slots } from '../slots.ts';
import { backOff } from './backoff.ts';
import { Prober } from './prober.ts';
import { WatchedContainer, type WatchedOptions } from './watched.ts';
import { CatalogWriter } from './writer.ts';

export interface RegistrarOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'register' | 'deregister' | 'nodeServices' | 'nodeChecks'>;
  readonly docker: Pick<Docker, 'listContainers' | 'inspectContainer' | 'events' | 'exec'>;
  readonly host: Pick<ClusterHost, 'name' | 'privateAddress'>;
  /** Ends the registrar. What it has written stays: its restart must not be seen in the traffic. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Milliseconds between two full listings, default 15000. */
  readonly relistMs?: number;
}

/** The events after which a container can be another one; those of `exec` would come with every health check. */
const EVENTS = {
  type: ['container', 'network'],
  event: ['start', 'die', 'pause', 'unpause', 'rename', 'destroy', 'health_status', 'connect', 'disconnect'],
};
const inspectionsAtATime = 8;

/**
 * Keeps the catalog's entries of one host true to its Docker: everything is listed again and again and compared with the
 * catalog; events only make it quick. @returns once the signal is aborted; never rejects.
 */
export async function watchRegistrar(options: RegistrarOptions): Promise<void> {
  const registrar = new Registrar(options);
  await Promise.all([registrar.followEvents(), registrar.relist()]);
  await registrar.close();
}

class Registrar {
  readonly #options: RegistrarOptions;
  readonly #writer: CatalogWriter;
  readonly #watchedOptions: WatchedOptions;
  readonly #containers = new Map<string, WatchedContainer>();
  /** What the last listing said of a container; another text: it is inspected again. */
  readonly #listed = new Map<string, string>();
  #failures = 0;
  #nap = new AbortController();

  constructor(options: RegistrarOptions) {
    const { docker, host, log } = options;
    this.#options = options;
    this.#writer = new CatalogWriter(options);
    this.#watchedOptions = {
      docker,
      host,
      log,
      writer: this.#writer,
      prober: new Prober(docker),
      inspections: new Slots(inspectionsAtATime),
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
    };
  }

  async close(): Promise<void> {
    for (const container of this.#containers.values()) container.close();
    await this.#writer.settled();
  }

  /** Wakes the container of each event. After a break the events since the last one are asked for. */
  async followEvents(): Promise<void> {
    const { docker, signal, log } = this.#options;
    // The engine runs on this machine, so that its clock is ours.
    let since = Math.floor(Date.now() / 1000);
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const event of docker.events({ since, filters: EVENTS, signal })) {
          failures = 0;
          since = event.time;
          this.#wake(event);
        }
      } catch (error) {
        if (!signal.aborted) log(`no events from Docker: ${describeError(error)}`);
      }
      if (signal.aborted) return;
      failures += 1;
      await backOff(failures, signal);
      // Docker keeps few events: whatever happened meanwhile is found by looking at every container.
      this.#listed.clear();
      for (const container of this.#containers.values()) void container.wake();
      this.#nap.abort();
    }
  }

  /** Lists Docker and the catalog now and every so often. */
  async relist(): Promise<void> {
    const { signal, log, relistMs = 15_000 } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#reconcile();
        this.#failures = 0;
        this.#nap = new AbortController();
        const until = AbortSignal.any([signal, this.#nap.signal]);
        await sleep(relistMs * (0.9 + Math.random() / 5), undefined, { signal: until }).catch(
          () => undefined,
        );
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        if (this.#failures === 1) log(`listing failed, trying on: ${describeError(error)}`);
        await backOff(this.#failures, signal);
      }
    }
  }

  /** Without the catalog the containers are looked at all the same: their verdicts are ready when it is back. */
  async #reconcile(): Promise<void> {
    const { docker, signal } = this.#options;
    const away = await this.#writer.read().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const listed = await docker.listContainers({ signal });
    const ids = new Set(listed.map(({ Id }) => Id));
    await Promise.all(
      listed.filter((summary) => this.#isNews(summary)).map(({ Id }) => this.#container(Id).wake()),
    );
    for (const [id, container] of this.#containers) {
      // Not listed: it ended, or came after the listing. A look tells.
      if (!ids.has(id) && (container.isLive || !container.isKnown)) await container.wake();
      if (!container.isGone) continue;
      this.#containers.delete(id);
      this.#listed.delete(id);
    }
    if (away !== undefined) throw away.error;
    this.#writer.writeAll(
      new Set([...this.#containers.values()].filter((c) => !c.isKnown).map(({ id }) => id)),
    );
  }

  #isNews(summary: ContainerSummary): boolean {
    const text = summaryText(summary);
    const known = this.#containers.get(summary.Id);
    if (this.#listed.get(summary.Id) === text && known?.isKnown === true && !known.isStale) return false;
    this.#listed.set(summary.Id, text);
    return true;
  }

  #wake(event: DockerEvent): void {
    const id = event.Type === 'network' ? event.Actor.Attributes.container : event.Actor.ID;
    if (id !== undefined) void this.#container(id).wake();
  }

  #container(id: string): WatchedContainer {
    const known = this.#containers.get(id);
    if (known !== undefined && !known.isGone) return known;
    const container = new WatchedContainer(id, this.#watchedOptions);
    this.#containers.set(id, container);
    return container;
  }
}

/** What of a listing tells that a container is not what it was; `Status` itself counts the minutes. */
function summaryText({ State, Status, Names, Ports, NetworkSettings }: ContainerSummary): string {
  const health = /\((.*)\)$/.exec(Status)?.[1];
  const addresses = Object.entries(NetworkSettings?.Networks ?? {}).map(([name, { IPAddress }]) => [
    name,
    IPAddress,
  ]);
  const ports = Ports.map((port) => JSON.stringify(port));
  return JSON.stringify([State, health, Names, ports.toSorted(), addresses.toSorted()]);
}
