import { META } from '../catalog/record.ts';
import { type Sample, sample } from './definitions.ts';
import type { ClusterParts, ClusterView } from './view.ts';

const STATES = ['healthy', 'unhealthy', 'draining', 'lost'] as const;
type State = (typeof STATES)[number];

/** Samples of services, releases and rollouts. */
export function serviceSamples(view: ClusterView): readonly Sample[] {
  const releases = deployedReleases(view);
  return [...replicaSamples(view, releases), ...releaseSamples(releases), ...rolloutSamples(view, releases)];
}

type Releases = ClusterParts['releases'];

/** The releases of a project outlive `seawall down`, so that one can be returned to: nothing of them is wanted meanwhile. */
function deployedReleases({ releases, networked, routes, instances }: ClusterView): Releases | undefined {
  if (releases === undefined || networked === undefined || routes === undefined) return undefined;
  const deployed = new Set([
    ...networked,
    ...Object.keys(routes),
    ...(instances ?? []).map(({ meta }) => meta[META.project]),
  ]);
  return Object.fromEntries(Object.entries(releases).filter(([project]) => deployed.has(project)));
}

interface Counted {
  /** Empty: containers that somebody started by hand, by their name in the catalog. */
  readonly project: string;
  readonly service: string;
  /** Container → how it is. */
  readonly replicas: Map<string, State>;
}

function replicaSamples({ instances, alives }: ClusterView, releases: Releases = {}): readonly Sample[] {
  if (instances === undefined || alives === undefined) return [];
  const services = new Map<string, Counted>();
  const counted = (project: string, service: string): Counted => {
    const key = JSON.stringify([project, service]);
    const found = services.get(key) ?? { project, service, replicas: new Map() };
    services.set(key, found);
    return found;
  };
  for (const [project, { wanted }] of Object.entries(releases))
    for (const service of Object.keys(wanted)) counted(project, service);
  for (const instance of instances) {
    const { meta, host, id } = instance;
    const project = meta[META.project] ?? '';
    const service = project === '' ? instance.service : (meta[META.service] ?? instance.service);
    const { replicas } = counted(project, service);
    const container = `${host} ${meta[META.container] ?? id}`;
    const state = stateOf(instance, alives[host] !== undefined);
    // One container may stand there with several ports: the worst counts.
    replicas.set(container, worse(replicas.get(container) ?? 'healthy', state));
  }
  return [...services.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { project, service, replicas }]) => {
      const states = [...replicas.values()];
      return STATES.flatMap((state) =>
        sample(
          'seawall_service_replicas',
          { project, service, state },
          states.filter((one) => one === state).length,
        ),
      );
    });
}

const worse = (a: State, b: State): State => (STATES.indexOf(a) > STATES.indexOf(b) ? a : b);

function stateOf(
  { status, draining }: Pick<ClusterParts['instances'][number], 'status' | 'draining'>,
  isAlive: boolean,
): State {
  if (!isAlive) return 'lost';
  if (draining) return 'draining';
  return status === 'passing' ? 'healthy' : 'unhealthy';
}

function releaseSamples(releases: Releases = {}): readonly Sample[] {
  return Object.entries(releases).flatMap(([project, { number, isMixed, wanted }]) => [
    ...sample('seawall_release_number', { project }, number),
    ...sample('seawall_release_mixed', { project }, isMixed),
    ...Object.entries(wanted).flatMap(([service, count]) =>
      sample('seawall_service_replicas_wanted', { project, service }, count),
    ),
  ]);
}

/** The record of a rollout goes with its end; one whose operator was killed leaves it. */
function rolloutSamples({ rollouts, traffic = [] }: ClusterView, releases: Releases = {}): readonly Sample[] {
  const running = new Set(rollouts?.filter(({ ended }) => !ended).map(({ project }) => project));
  const projects = rollouts === undefined ? [] : [...new Set([...Object.keys(releases), ...running])].sort();
  return [
    ...projects.flatMap((project) => sample('seawall_rollout_running', { project }, running.has(project))),
    ...traffic.flatMap(({ project, edge, requests, failed }) => [
      ...sample('seawall_rollout_requests', { project, edge }, requests),
      ...sample('seawall_rollout_failed_requests', { project, edge }, failed),
    ]),
  ];
}
