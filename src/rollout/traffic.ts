import { setTimeout as sleep } from 'node:timers/promises';
import { type CatalogClient, parseEntry } from '../catalog/index.ts';
import { KEY, type RolloutRecord, type TrafficRecord } from '../catalog/record.ts';
import type { DrainLog } from './context.ts';
import type { TrafficSummary } from './result.ts';
import { summarise } from './traffic-sum.ts';

/** nginx flushes its log every second; an edge needs a moment more to count. */
const REPORT_TIMEOUT_MS = 6_000;

/** Has the edges count a project's requests while a rollout runs. */
export class TrafficCount {
  readonly #client: CatalogClient;
  #record: RolloutRecord;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(client: CatalogClient, record: RolloutRecord) {
    this.#client = client;
    this.#record = record;
  }

  async begin(): Promise<void> {
    await this.#client.kvDelete(KEY.traffics(this.#record.project), { recurse: true });
    await this.#write({});
  }

  /** A service goes before its successor comes (true), or is back (false). */
  async announceAway(service: string, away: boolean): Promise<void> {
    // Once for each replica: another one of the service may still be away when this one is back.
    const first = this.#record.away.indexOf(service);
    const others = this.#record.away.filter((_, at) => at !== first);
    await this.#write({ away: away ? [...this.#record.away, service] : others });
  }

  /** Ends the count and adds up what the edges saw. */
  async end(edges: readonly string[], drains: DrainLog): Promise<TrafficSummary> {
    await this.#write({ ended: true });
    const { id, project } = this.#record;
    const deadline = performance.now() + REPORT_TIMEOUT_MS;
    let records: TrafficRecord[] = [];
    let missing: string[] = [...edges];
    while (missing.length > 0 && performance.now() < deadline) {
      await sleep(200);
      const { value } = await this.#client.kvList(KEY.traffics(project));
      const byEdge = new Map(
        value.map(
          (entry) =>
            [entry.key.slice(KEY.traffics(project).length), parseEntry<TrafficRecord>(entry)] as const,
        ),
      );
      const complete = edges.filter(
        (edge) => byEdge.get(edge)?.rollout === id && byEdge.get(edge)?.complete === true,
      );
      records = complete.flatMap((edge) => byEdge.get(edge) ?? []);
      missing = edges.filter((edge) => !complete.includes(edge));
    }
    await this.#client.kvDelete(KEY.rollout(project));
    return summarise(records, missing, drains);
  }

  async #write(change: Partial<RolloutRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const text = JSON.stringify(this.#record);
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(() => this.#client.kvPut(KEY.rollout(this.#record.project), text));
    await this.#writing;
  }
}
