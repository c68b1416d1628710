/**
 * Time and memory of the planner, and how they grow: `node bench/plan.ts` prints them, `npm run bench` keeps them.
 * Each size runs in a process of its own, so that one's garbage is not another's.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { Desired, DesiredService, UpdateRule } from '../src/compose/desired.ts';
import { type Actual, type ActualReplica, configHash, diff, type Plan } from '../src/plan/index.ts';

const REPLICAS = 10;
const SIZES = [
  { services: 100, hosts: 10 },
  { services: 333, hosts: 33 },
  { services: 1000, hosts: 100 },
] as const;
const CHILD_TIMEOUT_MS = 300_000;

/** One size's figures; times are the medians of five plans, CPU time of the process. */
export interface PlanRow {
  readonly services: number;
  readonly hosts: number;
  readonly replicas: number;
  /** Nothing runs yet. */
  readonly firstMs: number;
  /** Everything is as desired. */
  readonly noChangeMs: number;
  /** Every service has a new image. */
  readonly renewMs: number;
  /** Most memory that the process held. */
  readonly peakMemoryBytes: number;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Plans for 100, 333 and 1,000 services of ten replicas on a tenth as many hosts. */
export async function benchPlan(): Promise<readonly PlanRow[]> {
  const rows: PlanRow[] = [];
  for (const { services, hosts } of SIZES) {
    const argv = [import.meta.filename, '--size', String(services), String(hosts)];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: CHILD_TIMEOUT_MS });
    rows.push(JSON.parse(stdout) as PlanRow);
  }
  return rows;
}

function measureSize(services: number, hosts: number): PlanRow {
  const desired = projectOf(services, 'a:1');
  const renewed = projectOf(services, 'a:2');
  const empty = actualOf(hosts, [], []);
  const running = actualOf(hosts, started(desired, planOf(desired, empty)), desired.routes);
  const current = { release: 1, desired };
  const settled = planOf(desired, { ...running, current });
  if (settled.changes.length > 0) throw new Error(`${settled.changes.length} changes where none are due`);
  return {
    services,
    hosts,
    replicas: services * REPLICAS,
    firstMs: medianMs(() => planOf(desired, empty)),
    noChangeMs: medianMs(() => planOf(desired, { ...running, current })),
    renewMs: medianMs(() => planOf(renewed, { ...running, current })),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** The process's own CPU time, which a busy machine does not stretch as it does the clock's. */
function medianMs(work: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }).sort((a, b) => a - b);
  return Math.round(times[2] ?? 0);
}

const planOf = (desired: Desired, actual: Actual): Plan =>
  diff({ desired, actual, hash, imageIds: {}, unbuilt: new Set(), withoutTasks: false });

/** Chains of ten services that depend on each other, every tenth with a route and a volume, as a large project would have. */
function projectOf(services: number, image: string): Desired {
  const names = Array.from({ length: services }, (_, at) => `service-${String(at).padStart(4, '0')}`);
  const tenth = names.filter((_, at) => at % 10 === 0);
  const defaults = { bodyLimitBytes: 0, connectTimeoutMs: 1, readTimeoutMs: 1, sendTimeoutMs: 1 };
  return {
    project: 'large',
    services: Object.fromEntries(names.map((name, at) => [name, serviceOf(name, image, at, names)])),
    networks: { default: { name: 'default', internal: false } },
    volumes: Object.fromEntries(
      tenth.map((name) => [
        name,
        {
          name,
          dockerName: `large_${name}`,
          driver: 'local',
          driverOptions: {},
          labels: {},
          external: false,
        },
      ]),
    ),
    routes: tenth.map((service) => ({
      ...{ domain: `${service}.example`, path: '/', catalogService: `large-${service}`, service, port: 8000 },
      ...{ tls: 'off', ...defaults, upstreamKeepaliveMs: 1000 },
    })),
    contents: {},
    notices: [],
  };
}

function serviceOf(name: string, image: string, at: number, names: readonly string[]): DesiredService {
  const update: UpdateRule = {
    ...{ parallelism: 1, delayMs: 0, monitorMs: 5000, failureAction: 'rollback', maxFailureRatio: 0 },
    order: 'start-first',
  };
  const before = at % 10 === 0 ? undefined : names[at - 1];
  const needs = { condition: 'service_healthy', required: true, restart: false } as const;
  const volume = { kind: 'volume', volume: name, target: '/data', readOnly: true } as const;
  return {
    ...{ name, image, pull: 'missing', kind: 'replica', replicas: REPLICAS },
    container: { Env: Array.from({ length: 10 }, (_, key) => `KEY_${key}=value of ${name}`), HostConfig: {} },
    health: { kind: 'http', port: 8000, path: '/' },
    mounts: at % 10 === 0 ? [volume] : [],
    ...{ ports: [], networks: { default: { aliases: [] } } },
    dependsOn: before === undefined ? {} : { [before]: needs },
    placement: { constraints: ['node.labels.disk == ssd'], maxPerHost: 0 },
    ...{ update, rollback: update, drainMs: 30_000, stopGraceMs: 10_000 },
  };
}

function actualOf(hosts: number, replicas: readonly ActualReplica[], routes: Desired['routes']): Actual {
  const byHost = Map.groupBy(replicas, ({ host }) => host);
  const volumes = new Map<string, string[]>();
  for (const { host, service } of replicas) {
    const isHolder = Number(service.slice(-4)) % 10 === 0;
    if (isHolder) volumes.set(host, [...new Set([...(volumes.get(host) ?? []), `large_${service}`])]);
  }
  const names = Array.from({ length: hosts }, (_, at) => `host-${String(at).padStart(3, '0')}`);
  return {
    hosts: Object.fromEntries(
      names.map((name) => [
        name,
        {
          ...{ name, roles: ['app'], labels: { disk: 'ssd' }, setup: [], platform: 'linux/amd64' },
          ...{ replicas: byHost.get(name) ?? [], volumes: volumes.get(name) ?? [] },
        },
      ]),
    ),
    routes: routes.map(({ service: _service, ...route }) => route),
    volumeHosts: {},
  };
}

/** What runs after a plan that only starts replicas. */
function started(desired: Desired, plan: Plan): ActualReplica[] {
  return plan.steps.flatMap((step) => {
    if (step.kind !== 'roll') return [];
    const service = desired.services[step.service];
    if (!service) return [];
    const config = configHash(desired, service, hash);
    return step.moves.flatMap((move) =>
      move.kind === 'start'
        ? [
            {
              ...{ id: `${service.name}-${move.replica}`, name: `large-${service.name}-${move.replica}` },
              ...{ host: move.host, service: service.name, replica: move.replica, release: 1, config },
              ...{
                state: 'running',
                imageId: 'sha256:1',
                addresses: {},
                isDraining: false,
                isStopping: false,
                writes: [],
                isHealthy: true,
              },
              ...{ routePorts: {}, startedAt: '2026-01-01T00:00:00Z' },
            },
          ]
        : [],
    );
  });
}

if (process.argv[2] === '--size') {
  process.stdout.write(JSON.stringify(measureSize(Number(process.argv[3]), Number(process.argv[4]))));
} else if (import.meta.main) {
  for (const {
    services,
    hosts,
    replicas,
    firstMs,
    noChangeMs,
    renewMs,
    peakMemoryBytes,
  } of await benchPlan())
    console.log(
      `${services} services, ${replicas} replicas, ${hosts} hosts: first ${firstMs} ms, no change ${noChangeMs} ms, ` +
        `all renewed ${renewMs} ms of CPU; ${Math.round(peakMemoryBytes / 2 ** 20)} MiB`,
    );
}
