export { isInteractive } from './attach.ts';
export { execInReplica } from './exec.ts';
export { chooseReplica, findReplicas } from './replicas.ts';
export { runOneOff } from './run.ts';
