import type { Desired, DesiredRoute, DesiredService } from '../compose/desired.ts';
import type { Actual, ActualReplica, PublishedRoute } from './actual.ts';
import { canonicalJson } from './canonical.ts';
import type { Change, Move, Obstacle, Plan, Step } from './change.ts';
import { configHash, type Hash } from './config-hash.ts';
import { describeDifference, serviceDifferences } from './differences.ts';
import { serviceOrder } from './order.ts';
import { placeService } from './place.ts';

export interface PlanInput {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly hash: Hash;
  /** Configuration digests that image references resolve to, where they are known: a moved tag is a change. */
  readonly imageIds: Readonly<Record<string, string>>;
  /** Services whose image is not built yet. */
  readonly unbuilt: ReadonlySet<string>;
  /** Tasks are left out, as for `scale` and `rollback`. */
  readonly withoutTasks: boolean;
}

/** The planner: what must change on the hosts so that they run what is desired, and in which steps. Pure. */
export function diff(input: PlanInput): Plan {
  const { desired, actual } = input;
  const order = serviceOrder(desired);
  const rolls = order.flatMap((name) => {
    const service = desired.services[name];
    return service?.kind === 'replica' ? [planService(input, service)] : [];
  });
  const gone = [...runningServices(actual)]
    .filter((name) => desired.services[name]?.kind !== 'replica')
    .sort();
  const removals = gone.map((name) => removeService(actual, name));
  const routes = planRoutes(desired, actual);
  const changing = new Set(rolls.filter((roll) => roll.renews).map((roll) => roll.service));
  const tasks = input.withoutTasks ? [] : order.filter((name) => isDue(desired, name, changing));
  const taskPlans = tasks.map((name) => planTask(input, name));
  const moving = rolls.filter((roll) => roll.moves.length > 0);
  const obstacles = [
    ...unready(actual),
    ...rolls.flatMap((roll) => roll.obstacles),
    ...taskPlans.flatMap((t) => t.obstacles),
  ];
  const changes = [
    ...setUps(actual),
    ...builds(input, [...changing, ...tasks]),
    ...volumeChanges(input, [...moving.map((roll) => roll.service)]),
    ...taskPlans.flatMap((task) => task.changes),
    ...rolls.flatMap((roll) => roll.changes),
    ...removals.flatMap((removal) => removal.changes),
    ...routes.changes,
  ];
  const steps = [
    ...prepares(input, moving, taskPlans),
    ...orderSteps(desired, order, moving, taskPlans),
    ...routes.steps,
    ...removals.flatMap((removal) => removal.steps),
  ];
  return {
    project: desired.project,
    changes,
    steps: obstacles.length > 0 ? [] : steps,
    obstacles: unique(obstacles),
  };
}

interface ServicePlan {
  readonly service: string;
  /** New containers come of it for another reason than scale. */
  readonly renews: boolean;
  readonly moves: readonly Move[];
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
  readonly step?: Step;
}

function planService(input: PlanInput, service: DesiredService): ServicePlan {
  const { desired, actual, hash } = input;
  const placement = placeService(desired, service, actual, hash);
  const running = replicasOf(actual, service.name);
  if (placement.obstacles.length > 0) {
    return { service: service.name, renews: false, moves: [], changes: [], obstacles: placement.obstacles };
  }
  const config = configHash(desired, service, hash);
  const keep = new Set<ActualReplica>();
  const moves: Move[] = [];
  const changes: Change[] = [];
  let renews = false;
  for (const [replica, host] of placement.hosts) {
    const same = running.filter((each) => each.replica === replica);
    const good = same.find((each) => isCurrent(each, host, config, service, input));
    if (good) {
      keep.add(good);
      continue;
    }
    const old = same.find((each) => each.host === host) ?? same[0];
    if (old) keep.add(old);
    const why = old ? reasons(input, service, old, host, config) : [startReason(input, service)];
    renews ||= old !== undefined || !wasScaledOnly(input, service);
    moves.push(moveFor(service, replica, host, old));
    changes.push(changeFor(service, replica, host, old, why));
  }
  for (const extra of running.filter((each) => !keep.has(each))) {
    moves.push({ kind: 'stop', old: oldOf(extra) });
    changes.push(stopChange(extra, extraReason(extra, service)));
  }
  const step: Step = {
    kind: 'roll',
    service: service.name,
    parallelism: service.update.parallelism,
    delayMs: service.update.delayMs,
    moves,
  };
  return { service: service.name, renews, moves, changes, obstacles: [], step };
}

function isCurrent(
  replica: ActualReplica,
  host: string,
  config: string,
  service: DesiredService,
  { imageIds, unbuilt }: PlanInput,
): boolean {
  const imageId = imageIds[service.image];
  return (
    replica.host === host &&
    replica.config === config &&
    !unbuilt.has(service.name) &&
    (imageId === undefined || imageId === replica.imageId) &&
    ['running', 'restarting', 'paused'].includes(replica.state)
  );
}

function reasons(
  input: PlanInput,
  service: DesiredService,
  old: ActualReplica,
  host: string,
  config: string,
): string[] {
  const { desired, actual, hash, imageIds } = input;
  const why: string[] = [];
  if (!['running', 'restarting', 'paused'].includes(old.state)) why.push(`it is ${old.state}`);
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
  const imageId = imageIds[service.image];
  if (imageId !== undefined && imageId !== old.imageId && why.length === 0)
    why.push(`${service.image} is a newer image`);
  if (why.length === 0) why.push('its image is to be built again');
  return why;
}

function startReason({ actual }: PlanInput, service: DesiredService): string {
  const has = replicasOf(actual, service.name).length;
  if (has === 0) return actual.current?.desired.services[service.name] ? 'it is not running' : 'new service';
  return has < service.replicas ? `replicas: ${has} → ${service.replicas}` : 'replica missing';
}

/** A replica that is new only because there are to be more of them, of a release that runs already. */
function wasScaledOnly({ actual }: PlanInput, service: DesiredService): boolean {
  return replicasOf(actual, service.name).length > 0;
}

const extraReason = (extra: ActualReplica, service: DesiredService): string =>
  extra.replica > service.replicas
    ? `replicas: ${service.replicas} are enough`
    : `left over from release ${extra.release}: another container is replica ${extra.replica}`;

function moveFor(service: DesiredService, replica: number, host: string, old?: ActualReplica): Move {
  if (!old) return { kind: 'start', replica, host };
  return { kind: 'swap', replica, host, old: oldOf(old), order: service.update.order };
}

function changeFor(
  service: DesiredService,
  replica: number,
  host: string,
  old: ActualReplica | undefined,
  why: readonly string[],
): Change {
  const path = `services.${service.name}.replicas.${replica}`;
  if (!old)
    return {
      kind: 'start-replica',
      path,
      host,
      from: null,
      to: `${service.name}-${replica} on ${host}`,
      why,
    };
  const from = `${old.name} on ${old.host}`;
  const change: Change = {
    kind: 'replace-replica',
    path,
    host,
    from,
    to: `${service.name}-${replica} on ${host}`,
    why,
  };
  if (service.update.order === 'start-first') return change;
  return { ...change, away: awayText(service) };
}

function awayText(service: DesiredService): string {
  const reason = service.update.orderReason ?? 'update_config.order is stop-first';
  const seconds = Math.ceil((Math.min(service.stopGraceMs, 3000) + startMs(service)) / 1000);
  return `stops before its successor starts, because ${reason}; away for about ${seconds} s`;
}

/** A guess of how long a replica takes to become healthy: probes run every second while it starts. */
const startMs = (service: DesiredService): number =>
  service.health.kind === 'running' ? service.update.monitorMs : 2000;

const stopChange = (replica: ActualReplica, why: string): Change => ({
  kind: 'stop-replica',
  path: `services.${replica.service}.replicas.${replica.replica}`,
  host: replica.host,
  from: `${replica.name} on ${replica.host}`,
  to: null,
  why: [why],
});

function removeService(actual: Actual, name: string): { changes: Change[]; steps: Step[] } {
  const running = replicasOf(actual, name);
  return {
    changes: running.map((replica) => stopChange(replica, 'the service is no longer in the Compose file')),
    steps: [
      {
        kind: 'roll',
        service: name,
        parallelism: 0,
        delayMs: 0,
        moves: running.map((replica) => ({ kind: 'stop', old: oldOf(replica) })),
      },
    ],
  };
}

/** A task is due when a service that waits for it gets new containers, or when nothing of the project ran before. */
function isDue(desired: Desired, name: string, changing: ReadonlySet<string>): boolean {
  if (desired.services[name]?.kind !== 'task') return false;
  return [...changing].some((service) => waitsFor(desired, service, name, new Set()));
}

function waitsFor(desired: Desired, service: string, task: string, seen: Set<string>): boolean {
  if (seen.has(service)) return false;
  seen.add(service);
  const dependencies = Object.keys(desired.services[service]?.dependsOn ?? {});
  return dependencies.includes(task) || dependencies.some((each) => waitsFor(desired, each, task, seen));
}

interface TaskPlan {
  readonly service: string;
  readonly host?: string;
  readonly changes: readonly Change[];
  readonly obstacles: readonly Obstacle[];
}

function planTask({ desired, actual, hash }: PlanInput, name: string): TaskPlan {
  const service = desired.services[name];
  if (!service) return { service: name, changes: [], obstacles: [] };
  const placement = placeService(desired, service, { ...actual, hosts: withoutReplicas(actual) }, hash);
  const host = placement.hosts.get(1);
  if (host === undefined) return { service: name, changes: [], obstacles: placement.obstacles };
  const change: Change = {
    kind: 'run-task',
    path: `services.${name}`,
    host,
    from: null,
    to: `${name} on ${host}`,
    why: ['services that are renewed wait for its success'],
  };
  return { service: name, host, changes: [change], obstacles: [] };
}

const withoutReplicas = (actual: Actual): Actual['hosts'] =>
  Object.fromEntries(Object.entries(actual.hosts).map(([name, host]) => [name, { ...host, replicas: [] }]));

/** Rolls in dependency order, each task right where the order has it: after what it needs, before the rest. */
function orderSteps(
  desired: Desired,
  order: readonly string[],
  rolls: readonly ServicePlan[],
  tasks: readonly TaskPlan[],
): Step[] {
  return order.flatMap((name): Step[] => {
    const task = tasks.find((each) => each.service === name);
    if (task?.host !== undefined && desired.services[name])
      return [{ kind: 'run-task', service: name, host: task.host }];
    const roll = rolls.find((each) => each.service === name);
    return roll?.step ? [roll.step] : [];
  });
}

function prepares({ desired }: PlanInput, rolls: readonly ServicePlan[], tasks: readonly TaskPlan[]): Step[] {
  const needs = new Map<string, { networks: Set<string>; volumes: Set<string> }>();
  const need = (host: string, name: string): void => {
    const service = desired.services[name];
    if (!service) return;
    const entry = needs.get(host) ?? { networks: new Set(), volumes: new Set() };
    for (const network of Object.keys(service.networks)) entry.networks.add(network);
    for (const mount of service.mounts) if (mount.kind === 'volume') entry.volumes.add(mount.volume);
    needs.set(host, entry);
  };
  for (const roll of rolls)
    for (const move of roll.moves) if (move.kind !== 'stop') need(move.host, roll.service);
  for (const task of tasks) if (task.host !== undefined) need(task.host, task.service);
  return [...needs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([host, { networks, volumes }]) => ({
      kind: 'prepare',
      host,
      networks: [...networks].sort(),
      volumes: [...volumes].sort(),
    }));
}

function volumeChanges({ desired, actual, hash }: PlanInput, services: readonly string[]): Change[] {
  const changes = new Map<string, Change>();
  for (const name of services) {
    const service = desired.services[name];
    if (!service) continue;
    const host = placeService(desired, service, actual, hash).hosts.get(1);
    for (const mount of service.mounts) {
      const volume = mount.kind === 'volume' ? desired.volumes[mount.volume] : undefined;
      if (!volume || volume.external || host === undefined) continue;
      if (Object.values(actual.hosts).some((each) => each.volumes.includes(volume.dockerName))) continue;
      changes.set(volume.dockerName, {
        kind: 'create-volume',
        path: `volumes.${volume.name}`,
        host,
        from: null,
        to: volume.dockerName,
        why: ['new volume; it stays on this host, and its services with it'],
      });
    }
  }
  return [...changes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const builds = ({ desired, unbuilt }: PlanInput, services: readonly string[]): Change[] =>
  [...new Set(services)]
    .filter((name) => unbuilt.has(name))
    .sort()
    .map((name) => ({
      kind: 'build-image' as const,
      path: `services.${name}.build`,
      from: null,
      to: desired.services[name]?.image ?? null,
      why: ['no image of these sources exists yet'],
    }));

const setUps = (actual: Actual): Change[] =>
  Object.values(actual.hosts)
    .filter((host) => host.setup.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((host) => ({
      kind: 'set-up-host' as const,
      path: `hosts.${host.name}`,
      host: host.name,
      from: null,
      to: 'ready',
      why: host.setup,
    }));

const unready = (actual: Actual): Obstacle[] =>
  Object.values(actual.hosts)
    .filter((host) => host.unreachable !== undefined)
    .map((host) => ({
      path: `hosts.${host.name}`,
      message: `does not answer: ${host.unreachable}`,
      remedy: `Bring it back, or take it out of seawall.yml. Nothing was changed.`,
    }));

function planRoutes(desired: Desired, actual: Actual): { changes: Change[]; steps: Step[] } {
  const wanted = desired.routes.map(publishedRoute);
  const key = (route: PublishedRoute): string => `${route.domain}${route.path}`;
  const before = new Map(actual.routes.map((route) => [key(route), route]));
  const after = new Map(wanted.map((route) => [key(route), route]));
  const changes: Change[] = [];
  for (const [name, route] of after) {
    const old = before.get(name);
    if (old && canonicalJson(old) === canonicalJson(route)) continue;
    const path = `routes.${name}`;
    const to = `${route.catalogService}:${route.port}`;
    if (old) {
      changes.push({
        kind: 'change-route',
        path,
        from: `${old.catalogService}:${old.port}`,
        to,
        why: routeReasons(old, route),
      });
    } else changes.push({ kind: 'add-route', path, from: null, to, why: ['new route'] });
  }
  for (const [name, route] of before) {
    if (after.has(name)) continue;
    const from = `${route.catalogService}:${route.port}`;
    changes.push({
      kind: 'remove-route',
      path: `routes.${name}`,
      from,
      to: null,
      why: ['no longer in seawall.yml'],
    });
  }
  return { changes, steps: changes.length > 0 ? [{ kind: 'publish-routes', routes: wanted }] : [] };
}

function routeReasons(old: PublishedRoute, route: PublishedRoute): string[] {
  const keys = Object.keys(route) as (keyof PublishedRoute)[];
  return keys.filter((key) => old[key] !== route[key]).map((key) => `${key}: ${old[key]} → ${route[key]}`);
}

/** What the edges are told of a desired route. */
export function publishedRoute({ service: _service, ...route }: DesiredRoute): PublishedRoute {
  return route;
}

const replicasOf = (actual: Actual, service: string): ActualReplica[] =>
  Object.values(actual.hosts)
    .flatMap((host) => host.replicas)
    .filter((replica) => replica.service === service)
    .sort((a, b) => a.replica - b.replica || (a.name < b.name ? -1 : 1));

const runningServices = (actual: Actual): Set<string> =>
  new Set(Object.values(actual.hosts).flatMap((host) => host.replicas.map((replica) => replica.service)));

const oldOf = ({ id, name, host, replica }: ActualReplica) => ({ id, name, host, replica });

function unique(obstacles: readonly Obstacle[]): Obstacle[] {
  return [...new Map(obstacles.map((each) => [`${each.path} ${each.message}`, each])).values()];
}
