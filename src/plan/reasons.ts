import type { DesiredService } from '../compose/desired.ts';
import { routeKey } from '../route-port.ts';
import type { ActualReplica } from './actual.ts';
import { describeDifference, serviceDifferences } from './differences.ts';
import type { Planning } from './input.ts';
import { isAlive } from './replicas.ts';

/** What one replica of a service is to be. */
export interface Wish {
  readonly planning: Planning;
  readonly service: DesiredService;
  /** Its configuration's hash. */
  readonly config: string;
  readonly host: string;
  /** The dependency because of which a replica is replaced, if any. */
  readonly restart: (replica: ActualReplica) => string | undefined;
}

/** Why a container cannot stay; never empty. */
export function reasons({ planning, service, config, host, restart }: Wish, old: ActualReplica): string[] {
  const { desired, actual, hash, imageIds } = planning;
  const why: string[] = [];
  if (!isAlive(old)) why.push(`it is ${old.state}`);
  else if (old.isStopping) why.push('it was told to stop');
  if (old.host !== host) why.push(`belongs on ${host}, runs on ${old.host}`);
  if (old.config !== config) {
    const before = actual.current?.desired;
    const earlier = before?.services[service.name];
    const differences = serviceDifferences(
      before && earlier ? { desired: before, service: earlier } : undefined,
      { desired, service },
      hash,
    );
    if (differences.length > 0) why.push(...differences.map(describeDifference));
    else why.push(`its configuration is of release ${old.release}`);
  }
  for (const route of planning.routes.get(service.name) ?? []) {
    const port = old.routePorts[routeKey(route)];
    if (port !== undefined && port !== route.port && old.config === config)
      why.push(`it serves ${routeKey(route)} on port ${port}, not ${route.port}`);
  }
  const dependency = restart(old);
  if (dependency !== undefined) why.push(`depends_on.${dependency}.restart: ${dependency} is newer`);
  const imageId = imageIds[service.image];
  if (imageId !== undefined && imageId !== old.imageId && why.length === 0)
    why.push(`${service.image} is a newer image`);
  if (why.length === 0) why.push('its image is to be built again');
  return why;
}

export function startReason(
  { planning: { actual }, service }: Wish,
  running: readonly ActualReplica[],
): string {
  const has = running.length;
  if (has === 0) return actual.current?.desired.services[service.name] ? 'it is not running' : 'new service';
  if (service.isGlobal) return 'one runs on every host';
  return has < service.replicas ? `replicas: ${has} → ${service.replicas}` : 'replica missing';
}

export const extraReason = (extra: ActualReplica, service: DesiredService): string =>
  !service.isGlobal && extra.replica > service.replicas
    ? `replicas: ${service.replicas} are enough`
    : `left over from release ${extra.release}: another container is replica ${extra.replica}`;
