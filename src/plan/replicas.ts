import type { Actual, ActualReplica } from './actual.ts';
import type { OldReplica } from './change.ts';

export const replicasOf = (actual: Actual, service: string): ActualReplica[] =>
  Object.values(actual.hosts)
    .flatMap((host) => host.replicas)
    .filter((replica) => replica.service === service)
    .sort((a, b) => a.replica - b.replica || (a.name < b.name ? -1 : 1));

export const runningServices = (actual: Actual): Set<string> =>
  new Set(Object.values(actual.hosts).flatMap((host) => host.replicas.map((replica) => replica.service)));

export const oldOf = ({ id, name, host, replica }: ActualReplica): OldReplica => ({
  id,
  name,
  host,
  replica,
});
