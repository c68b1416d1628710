/** A small project and its hosts as the planner sees them, and a model of hosts that do what a plan says. */
import { createHash } from 'node:crypto';
import type { Desired, DesiredService } from '../src/compose/desired.ts';
import type { Actual, ActualHost, ActualReplica } from '../src/plan/actual.ts';
import type { Plan } from '../src/plan/change.ts';
import { configHash } from '../src/plan/config-hash.ts';
import { diff } from '../src/plan/diff.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

export function service(name: string, over: Partial<DesiredService> = {}): DesiredService {
  const update = {
    parallelism: 1,
    delayMs: 0,
    monitorMs: 5000,
    order: 'start-first',
    failureAction: 'rollback',
    maxFailureRatio: 0,
  } as const;
  return {
    name,
    image: `${name}:1`,
    pull: 'missing',
    kind: 'replica',
    replicas: 1,
    container: { HostConfig: {} },
    health: { kind: 'running' },
    mounts: [],
    ports: [],
    networks: { default: { aliases: [] } },
    dependsOn: {},
    placement: { constraints: [], maxPerHost: 0 },
    update,
    rollback: update,
    drainMs: 30_000,
    stopGraceMs: 10_000,
    ...over,
  };
}

export function project(...services: DesiredService[]): Desired {
  return {
    project: 'polls',
    services: Object.fromEntries(services.map((each) => [each.name, each])),
    networks: { default: { name: 'default', internal: false } },
    volumes: {
      data: {
        name: 'data',
        dockerName: 'polls_data',
        driver: 'local',
        driverOptions: {},
        labels: {},
        external: false,
      },
    },
    routes: [],
    contents: {},
    notices: [],
  };
}

export const host = (name: string, over: Partial<ActualHost> = {}): ActualHost => ({
  name,
  roles: ['app'],
  labels: {},
  setup: [],
  platform: 'linux/amd64',
  replicas: [],
  volumes: [],
  ...over,
});

export const actualOf = (...hosts: ActualHost[]): Actual => ({
  hosts: Object.fromEntries(hosts.map((each) => [each.name, each])),
  routes: [],
  volumeHosts: {},
});

export const planFor = (desired: Desired, actual: Actual): Plan =>
  diff({ desired, actual, hash, imageIds: {}, unbuilt: new Set(), withoutTasks: false });

let counter = 0;

/** A model of the hosts: what they hold after a plan's steps. */
export function apply(desired: Desired, actual: Actual, plan: Plan): Actual {
  const hosts = new Map(
    Object.values(actual.hosts).map((each) => [each.name, { ...each, replicas: [...each.replicas] }]),
  );
  let routes = actual.routes;

  const add = (name: string, replica: number, on: string): void => {
    const wanted = desired.services[name];
    if (!wanted) throw new Error(`unknown service ${name}`);
    counter++;
    hosts.get(on)?.replicas.push(replicaOf(desired, wanted, replica, on, `new${counter}`));
  };
  const remove = (on: string, id: string): void => {
    const found = hosts.get(on);
    if (found) found.replicas = found.replicas.filter((each) => each.id !== id);
  };
  for (const step of plan.steps) {
    if (step.kind === 'publish-routes') routes = step.routes;
    if (step.kind === 'prepare') {
      const found = hosts.get(step.host);
      const names = step.volumes.map((volume) => desired.volumes[volume]?.dockerName ?? '');
      if (found) Object.assign(found, { volumes: [...new Set([...found.volumes, ...names])] });
    }
    if (step.kind !== 'roll') continue;
    for (const move of step.moves) {
      if (move.kind !== 'stop') add(step.service, move.replica, move.host);
      if (move.kind !== 'start') remove(move.old.host, move.old.id);
    }
  }
  return { ...actual, hosts: Object.fromEntries(hosts), routes };
}

export function replicaOf(
  desired: Desired,
  wanted: DesiredService,
  replica: number,
  on: string,
  id: string,
): ActualReplica {
  return {
    id,
    name: `polls-${wanted.name}-${replica}-${id}`,
    host: on,
    service: wanted.name,
    replica,
    release: 1,
    config: configHash(desired, wanted, hash),
    state: 'running',
    isDraining: false,
    isStopping: false,
    isHealthy: true,
    routePorts: {},
    imageId: 'sha256:1',
    writes: writesOf(desired, wanted),
    addresses: {},
    startedAt: '2026-01-01T00:00:00Z',
  };
}

/** Docker's names of the volumes that a service's replicas may write to. */
export const writesOf = (desired: Desired, { mounts }: DesiredService): string[] =>
  mounts.flatMap((mount) =>
    mount.kind === 'volume' && !mount.readOnly ? [desired.volumes[mount.volume]?.dockerName ?? ''] : [],
  );
