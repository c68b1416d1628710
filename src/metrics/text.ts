import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { type Definition, METRICS, type MetricName, type Sample } from './definitions.ts';

/** How a scraper takes it: Prometheus' text format 0.0.4, or OpenMetrics 1.0.0. */
export type Format = 'prometheus' | 'openmetrics';

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

const NAMES = Object.keys(METRICS) as MetricName[];

/** Samples as a scraper reads them, in the order of {@link METRICS}; metrics without a sample are left out. */
export async function metricsText(samples: readonly Sample[], format: Format): Promise<MetricsText> {
  const isOpen = format === 'openmetrics';
  const byName = Map.groupBy(samples, ({ name }) => name);
  const texts: string[] = [];
  for (const name of NAMES) {
    const own = byName.get(name);
    if (own === undefined) continue;
    texts.push((await registryOf(name, own, isOpen).metrics()).replace(/# EOF\n$/, ''));
    // 20,000 samples take a tenth of a second: whoever asks for a name meanwhile is answered in between.
    await setImmediate();
  }
  return isOpen
    ? { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: `${texts.join('')}# EOF\n` }
    : { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text: texts.join('\n') };
}

function registryOf(name: MetricName, samples: readonly Sample[], isOpen: boolean) {
  const registry = new Registry<RegistryContentType>();
  if (isOpen) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const { help, labels: labelNames, type }: Definition = METRICS[name];
  const settings = { name, help, labelNames: [...labelNames], registers: [registry] };
  if (type === 'counter') {
    const counter = new Counter(settings);
    for (const { labels, value } of samples) counter.inc({ ...labels }, value);
  } else {
    const gauge = new Gauge(settings);
    for (const { labels, value } of samples) gauge.set({ ...labels }, value);
  }
  return registry;
}

/**
 * What a request's `Accept` asks for (RFC 9110 section 12.5.1). OpenMetrics only where it is named and not less welcome than
 * plain text, as Prometheus names it.
 */
export function formatFor(accept: string | undefined): Format {
  const ranges = (accept ?? '').split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, q: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  const best = (type: string) =>
    Math.max(0, ...ranges.filter((range) => range.type === type).map(({ q }) => q));
  const open = best('application/openmetrics-text');
  return open > 0 && open >= best('text/plain') ? 'openmetrics' : 'prometheus';
}
