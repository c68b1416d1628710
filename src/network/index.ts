export { type AliveRecord, watchAlive } from './alive.ts';
export { runLinkProgram } from './link-program.ts';
export { Paths } from './paths.ts';
export { serveEcho } from './probe.ts';
export { watchNames } from './resolver.ts';
export { type LinkState, watchNetwork } from './watch.ts';
