import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CatalogClient, parseEntry, watchKeys } from '../catalog/index.ts';
import { KEY, type RolloutRecord, type TrafficRecord } from '../catalog/record.ts';
import { describeError } from '../errors.ts';
import { type LogPosition, LogTail } from './log-tail.ts';
import { pause } from './pause.ts';
import { emptyTally, isCounted, parseLogLine, type Tally, tallied } from './tally.ts';

export interface TrafficOptions {
  readonly client: Pick<CatalogClient, 'kvList' | 'kvPut'>;
  /** Name of this edge's host. */
  readonly host: string;
  readonly logPath: string;
  /** File that keeps the counts over a restart of the agent. */
  readonly statePath: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly clock?: () => number;
}

interface Count {
  rollout: RolloutRecord;
  tally: Tally;
  /** Service → moment until which its failures count as announced. */
  readonly awayUntilMs: Map<string, number>;
  endedAtMs?: number;
  isWritten: boolean;
}

interface State {
  readonly position: LogPosition;
  readonly counts: readonly { readonly rollout: string; readonly project: string; readonly tally: Tally }[];
}

const everyMs = 500;
/** nginx writes its log at the latest after 1 s (`flush=1s` in render.ts): everything that ended before is in it then. */
const flushMs = 1_500;
const awayGraceMs = 3_000;

/** Counts a project's requests at this edge while a rollout of it runs, and writes the sum when it has ended. Never rejects. */
export async function watchTraffic(options: TrafficOptions): Promise<void> {
  await new TrafficLoop(options).run();
}

class TrafficLoop {
  readonly #options: TrafficOptions;
  readonly #tail: LogTail;
  readonly #clock: () => number;
  readonly #counts = new Map<string, Count>();
  #rollouts: readonly RolloutRecord[] | undefined;
  #wake = new AbortController();
  #isTailing = false;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#tail = new LogTail(options.logPath);
    this.#clock = options.clock ?? (() => performance.now());
  }

  async run(): Promise<void> {
    const { client, signal, log } = this.#options;
    const watching = watchKeys(
      client,
      KEY.rollouts,
      (entries) => {
        this.#rollouts = entries.map((entry) => parseEntry<RolloutRecord>(entry));
        this.#wake.abort();
      },
      { signal },
    );
    let last = '';
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      try {
        await this.#step();
        last = '';
      } catch (error) {
        const text = describeError(error);
        if (text !== last) log(`edge: traffic is not counted: ${text}`);
        last = text;
      }
      await pause(this.#counts.size > 0 || last !== '' ? everyMs : 3_600_000, woken);
    }
    await watching;
    await this.#tail.close();
  }

  async #step(): Promise<void> {
    if (this.#rollouts === undefined) return;
    if (!this.#isTailing) {
      if (!this.#rollouts.some((rollout) => !rollout.ended)) return;
      await this.#start();
    }
    await this.#read();
    this.#follow(this.#rollouts);
    for (const count of this.#counts.values()) await this.#write(count);
    if (this.#counts.size > 0) await this.#save();
    else {
      await this.#tail.close();
      this.#isTailing = false;
    }
  }

  async #start(): Promise<void> {
    const state = await this.#restore();
    await this.#tail.start(state?.position);
    for (const { project, rollout: id, tally } of state?.counts ?? []) {
      const rollout = this.#rollouts?.find(
        (candidate) => candidate.id === id && candidate.project === project,
      );
      if (rollout !== undefined)
        this.#counts.set(project, { rollout, tally, awayUntilMs: new Map(), isWritten: false });
    }
    this.#isTailing = true;
  }

  /** Brings the counts in line with the rollouts there are. */
  #follow(rollouts: readonly RolloutRecord[]): void {
    const now = this.#clock();
    for (const [project, count] of this.#counts) {
      if (!rollouts.some(({ id }) => id === count.rollout.id)) this.#counts.delete(project);
    }
    for (const rollout of rollouts) {
      let count = this.#counts.get(rollout.project);
      if (count === undefined) {
        if (rollout.ended) continue;
        count = { rollout, tally: emptyTally, awayUntilMs: new Map(), isWritten: false };
        this.#counts.set(rollout.project, count);
      }
      count.rollout = rollout;
      for (const service of rollout.away) count.awayUntilMs.set(service, now + awayGraceMs);
      if (rollout.ended && count.endedAtMs === undefined) count.endedAtMs = now;
    }
  }

  async #read(isFinal = false): Promise<void> {
    const entries = (await this.#tail.lines(isFinal)).flatMap((line) => parseLogLine(line) ?? []);
    const now = this.#clock();
    for (const count of this.#counts.values()) {
      const away = new Set(
        [...count.awayUntilMs].filter(([, until]) => until >= now).map(([service]) => service),
      );
      const own = entries.filter((entry) => isCounted(entry, count.rollout));
      if (own.length > 0) count.tally = tallied(count.tally, own, away);
    }
  }

  async #write(count: Count): Promise<void> {
    if (count.isWritten || count.endedAtMs === undefined) return;
    if (this.#clock() - count.endedAtMs < flushMs) return;
    await this.#read(true);
    const { client, host, signal } = this.#options;
    const record: TrafficRecord = { rollout: count.rollout.id, complete: true, ...count.tally };
    await client.kvPut(KEY.traffic(count.rollout.project, host), JSON.stringify(record), { signal });
    count.isWritten = true;
  }

  async #save(): Promise<void> {
    const counts = [...this.#counts].map(([project, { rollout, tally }]) => ({
      project,
      rollout: rollout.id,
      tally,
    }));
    const { statePath } = this.#options;
    await mkdir(dirname(statePath), { recursive: true });
    await writeFile(
      `${statePath}.new`,
      JSON.stringify({ position: this.#tail.position, counts } satisfies State),
    );
    await rename(`${statePath}.new`, statePath);
  }

  async #restore(): Promise<State | undefined> {
    try {
      const state = JSON.parse(await readFile(this.#options.statePath, 'utf8')) as State;
      // A file of an earlier rollout tells where that one was, not where this one begins.
      const isCurrent = state.counts.some(({ rollout }) => this.#rollouts?.some(({ id }) => id === rollout));
      return isCurrent ? state : undefined;
    } catch {
      return undefined;
    }
  }
}
