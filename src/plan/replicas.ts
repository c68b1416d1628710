import type { Actual, ActualReplica } from './actual.ts';
import type { OldReplica } from './change.ts';

/** Replicas by service, each service's sorted by number and name. */
export function groupReplicas(actual: Actual): Map<string, ActualReplica[]> {
  const groups = Map.groupBy(
    Object.values(actual.hosts).flatMap((host) => host.replicas),
    (replica) => replica.service,
  );
  for (const group of groups.values())
    group.sort((a, b) => a.replica - b.replica || (a.name < b.name ? -1 : 1));
  return groups;
}

/** Docker states in which a container is at work or about to be. */
export const isAlive = ({ state }: Pick<ActualReplica, 'state'>): boolean =>
  state === 'running' || state === 'restarting' || state === 'paused';

/** Gets requests, as far as is known. */
export const isServing = (replica: ActualReplica): boolean =>
  isAlive(replica) && replica.isHealthy && !replica.isDraining;

export const oldOf = ({ id, name, host, replica }: ActualReplica): OldReplica => ({
  id,
  name,
  host,
  replica,
});
