export { isInteractive, type LocalStreams } from './attach.ts';
export { type ExecSettings, execInReplica } from './exec.ts';
export type { Overrides } from './one-off.ts';
export { chooseReplica, findReplicas, healthOf, type RunningReplica } from './replicas.ts';
export { type RunRequest, runOneOff } from './run.ts';
