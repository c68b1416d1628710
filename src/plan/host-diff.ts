import type { Actual } from './actual.ts';
import type { Change, Obstacle, Remark } from './change.ts';
import type { PlanInput, Planning } from './input.ts';
import type { ServicePlan } from './service-diff.ts';

export function volumeChanges({ desired, holders }: Planning, moving: readonly ServicePlan[]): Change[] {
  const changes = new Map<string, Change>();
  for (const { service: name, places } of moving) {
    const service = desired.services[name];
    const host = places.get(1);
    if (!service || host === undefined) continue;
    for (const mount of service.mounts) {
      const volume = mount.kind === 'volume' ? desired.volumes[mount.volume] : undefined;
      if (!volume || volume.external || holders.has(volume.dockerName)) continue;
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

export const builds = ({ desired, unbuilt }: PlanInput, services: readonly string[]): Change[] =>
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

export const setUps = (actual: Actual): Change[] =>
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

export const unready = (actual: Actual): Obstacle[] =>
  Object.values(actual.hosts)
    .filter((host) => host.unreachable !== undefined && !host.skipped)
    .map((host) => ({
      path: `hosts.${host.name}`,
      message: `does not answer: ${host.unreachable}`,
      remedy: `${host.remedy ?? 'Bring it back.'} Or go on without it: --skip-unreachable. Nothing was changed.`,
      isUnreachable: true,
    }));

/** What runs on a host that the files do not name would serve on beside whatever is deployed. */
export const unnamedHosts = ({ unnamed = {} }: Pick<Actual, 'unnamed'>): Obstacle[] =>
  Object.entries(unnamed).map(([host, replicas]) => ({
    path: `hosts.${host}`,
    message: `is not in seawall.yml, and ${replicas.join(', ')} of this project ${replicas.length === 1 ? 'runs' : 'run'} there`,
    remedy: `Name it again. To take it away: seawall machine rm ${host} (when it is dead: --gone). To keep it without this project: placement.constraints, then deploy.`,
  }));

/** What is known of the hosts that the user goes on without. */
export const skippedHosts = (actual: Actual): Remark[] =>
  Object.values(actual.hosts)
    .filter(({ skipped }) => skipped)
    .map(({ name, unseen = [] }) => ({
      path: `hosts.${name}`,
      message:
        unseen.length === 0
          ? 'does not answer and is left out; nothing of the project is known to be there'
          : `does not answer and is left out; ${unseen.join(', ')} may run there unseen. What was replaced elsewhere gets no requests when it is back, and the deploy after that clears it away`,
    }));
