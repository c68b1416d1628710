export { EdgeLoop, watchEdge } from './watch.ts';
