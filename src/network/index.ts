export { type AliveOptions, type AliveRecord, watchAlive } from './alive.ts';
export { type LinkHealth, serveEcho } from './probe.ts';
export { type NamesOptions, watchNames } from './resolver.ts';
export { type LinkState, type NetworkOptions, watchNetwork } from './watch.ts';
