import { type Definition, METRICS, type MetricName, type Sample } from './definitions.ts';

/** A metric with its values, for programs. */
export interface DescribedMetric {
  readonly name: MetricName;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Pick<Sample, 'labels' | 'value'>[];
}

/** Samples by metric, in the order of {@link METRICS}; metrics without a sample are left out. */
export function describeMetrics(samples: readonly Sample[]): readonly DescribedMetric[] {
  const byName = Map.groupBy(samples, ({ name }) => name);
  return (Object.keys(METRICS) as MetricName[]).flatMap((name) => {
    const own = byName.get(name);
    if (own === undefined) return [];
    const { help, type }: Definition = METRICS[name];
    return [
      { name, type: type ?? 'gauge', help, samples: own.map(({ labels, value }) => ({ labels, value })) },
    ];
  });
}
