import type { Desired, DesiredService } from '../compose/desired.ts';
import { canonicalJson } from './canonical.ts';

/** A hash function: text in, hex digest out. */
export type Hash = (text: string) => string;

/**
 * What two containers of a service must agree on to be the same. Scale, placement and update rules are not
 * part of it: they change which containers run, not what one is.
 */
export function replicaIdentity(desired: Desired, service: DesiredService): unknown {
  return {
    image: service.image,
    platform: service.platform,
    container: service.container,
    health: service.health,
    mounts: service.mounts.map((mount) =>
      mount.kind === 'volume' ? { ...mount, volume: desired.volumes[mount.volume]?.dockerName } : mount,
    ),
    ports: service.ports,
    networks: service.networks,
    internal: Object.keys(service.networks).filter((name) => desired.networks[name]?.internal === true),
    postStart: service.postStart,
    preStop: service.preStop,
    stopGraceMs: service.stopGraceMs,
    port: routePort(desired, service.name),
  };
}

/** The config label of a service's replicas: 16 hex digits over {@link replicaIdentity}. */
export function configHash(desired: Desired, service: DesiredService, hash: Hash): string {
  return hash(canonicalJson(replicaIdentity(desired, service))).slice(0, 16);
}

/** Port of the service's first route; undefined when no route leads to it. */
export function routePort(desired: Desired, service: string): number | undefined {
  return desired.routes.find((route) => route.service === service)?.port;
}
