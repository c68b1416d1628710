export { describeMetrics } from './describe.ts';
export { readCluster } from './read.ts';
export { renderMetricsReference } from './reference.ts';
export { samplesOf } from './samples.ts';
export { watchMetrics } from './serve.ts';
export { metricsText } from './text.ts';
