export { EdgeLoop, type EdgeOptions, type EdgeStatus, watchEdge } from './watch.ts';
