import type { ClusterFile } from '../cluster.ts';
import type { Sample } from './definitions.ts';
import { ownSnapshot } from './own-snapshot.ts';
import { samplesOf } from './samples.ts';
import { serveMetrics } from './server.ts';
import { type Format, type MetricsText, metricsText } from './text.ts';
import type { OwnView } from './view.ts';
import { ClusterWatch, type ClusterWatchOptions } from './watch.ts';

export interface MetricsOptions extends Omit<ClusterWatchOptions, 'clusterKey'> {
  readonly cluster: Pick<ClusterFile, 'key' | 'metrics'> & { readonly host: { readonly name: string } };
  /** Of Seawall. */
  readonly version: string;
  /** Folder with this host's snapshots of the catalog. */
  readonly snapshots: string;
  /** Where the catalog is at the moment. */
  readonly place: () => { readonly host: string; readonly epoch: number };
  /** Part of this program → what is wrong with it at the moment; empty text: nothing. */
  readonly problems: ReadonlyMap<string, string>;
}

/** Scrapers that come at once share one text. */
const SHARED_MS = 1_000;

/** Metrics of the cluster as this host hears of it; nothing listens without rules. @returns once the signal is aborted. */
export async function watchMetrics(options: MetricsOptions): Promise<void> {
  const { cluster, signal, log } = options;
  const rules = cluster.metrics;
  if (rules === undefined) return;
  const watch = new ClusterWatch({ ...options, clusterKey: cluster.key });
  const texts = new SharedTexts(async (format) => metricsText(await samplesNow(options, watch), format));
  await Promise.all([watch.run(), serveMetrics({ rules, text: (format) => texts.get(format), signal, log })]);
}

async function samplesNow(options: MetricsOptions, watch: ClusterWatch): Promise<readonly Sample[]> {
  const { cluster, version, place, problems, snapshots } = options;
  const snapshot = await ownSnapshot(snapshots);
  const index = watch.index;
  const own: OwnView = {
    version,
    node: process.versions.node,
    isCatalogUp: watch.isCatalogUp,
    catalog: place(),
    parts: watch.parts,
    ...(index === undefined ? {} : { index }),
    host: {
      name: cluster.host.name,
      problems: Object.fromEntries([...problems].map(([part, text]) => [part, text !== ''])),
      ...(snapshot === undefined ? {} : { snapshot }),
    },
    signs: watch.signs,
  };
  return samplesOf(watch.view, own, Date.now());
}

class SharedTexts {
  readonly #make: (format: Format) => Promise<MetricsText>;
  readonly #made = new Map<Format, { readonly at: number; readonly text: Promise<MetricsText> }>();

  constructor(make: (format: Format) => Promise<MetricsText>) {
    this.#make = make;
  }

  get(format: Format): Promise<MetricsText> {
    const last = this.#made.get(format);
    if (last !== undefined && performance.now() - last.at < SHARED_MS) return last.text;
    const text = this.#make(format);
    this.#made.set(format, { at: performance.now(), text });
    return text;
  }
}
