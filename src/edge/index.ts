export type { EdgeStatus } from './in-force.ts';
export { EdgeLoop, type EdgeOptions, watchEdge } from './watch.ts';
