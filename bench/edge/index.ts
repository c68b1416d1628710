export { benchEdge } from './run.ts';
