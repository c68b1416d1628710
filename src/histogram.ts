/** Requests by duration: upper bound in whole milliseconds → number of requests. Bounds grow by 10 %. */
export type Histogram = Readonly<Record<string, number>>;

const growth = 1.1;

/** The bound under which a duration is counted: at most 10 % (or 1 ms) above it. */
export function histogramBound(ms: number): number {
  if (ms <= 1) return 1;
  const step = Math.ceil(Math.log(ms) / Math.log(growth) - 1e-9);
  return Math.ceil(growth ** step - 1e-9);
}

/** Adds histograms, such as those of several edges. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const sum: Record<string, number> = {};
  for (const histogram of histograms) {
    for (const [bound, count] of Object.entries(histogram)) sum[bound] = (sum[bound] ?? 0) + count;
  }
  return sum;
}

/**
 * Milliseconds that the given share (0.99: p99) of the requests did not exceed, as the bound of its class;
 * 0 without requests.
 */
export function percentile(histogram: Histogram, share: number): number {
  const classes = Object.entries(histogram)
    .map(([bound, count]) => [Number(bound), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bound, count] of classes) {
    seen += count;
    if (seen >= total * share - 1e-9 && count > 0) return bound;
  }
  return 0;
}
