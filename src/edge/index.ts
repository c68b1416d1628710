export { type EdgeContainer, edgeContainerBody } from './container.ts';
export { EdgeLoop, type EdgeOptions, type EdgeStatus, watchEdge } from './watch.ts';
