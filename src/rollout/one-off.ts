import type { Desired, DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { holdLease } from './hold-lease.ts';
import { planProject, refuseObstacles } from './planning.ts';
import { prepareHost } from './prepare.ts';
import { provideImage } from './provide-images.ts';
import { contextFor } from './roll-out.ts';
import { clusterOf, type Session } from './session.ts';

/** A service that no release deployed, ready to run beside one. */
export interface ReadyOneOff {
  /** The release with the service. */
  readonly desired: Desired;
  readonly host: string;
}

/**
 * Makes a host ready for a one-off container of a service that is in the session's files and in no release, such as one
 * of an inactive profile: chosen as a deploy would, with the service's networks, volumes, files and image.
 * @throws SeawallError `refused` when something that the service depends on is not deployed, `locked`.
 */
export async function readyOneOff(
  session: Session,
  release: Desired,
  name: string,
  host?: string,
): Promise<ReadyOneOff> {
  const { client } = clusterOf(session);
  const desired = withServiceOf(release, session.desired, name);
  return holdLease(client, session, async (signal) => {
    const held = { ...session, desired, signal };
    const chosen = await chooseHost(held, name, host);
    const service = serviceOf(desired, name);
    const drains = { replicas: 0, longestMs: 0, socketsCut: 0 };
    await prepareHost(contextFor(held, 0, {}, drains, { announceAway: async () => {} }), {
      kind: 'prepare',
      host: chosen,
      networks: Object.keys(service.networks),
      volumes: service.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : [])),
    });
    await provideImage(held, name, chosen);
    return { desired, host: chosen };
  });
}

/** What a release deployed, and one service more with what it needs; what both have is the release's. */
export function withServiceOf(release: Desired, files: Desired, name: string): Desired {
  const service = serviceOf(files, name);
  const missing = Object.entries(service.dependsOn)
    .filter(([other, { required }]) => required && release.services[other] === undefined)
    .map(([other]) => other);
  if (missing.length > 0) {
    const verb = missing.length === 1 ? 'is' : 'are';
    throw new SeawallError(
      'refused',
      `${name} depends on ${missing.join(', ')}, which ${verb} not deployed`,
      {
        where: `services.${name}.depends_on`,
        hint: 'Deploy it first: seawall deploy, with --profile when it is in one',
      },
    );
  }
  const mounted = new Set(service.mounts.flatMap((mount) => (mount.kind === 'content' ? [mount.hash] : [])));
  const contents = Object.entries(files.contents).filter(([hash]) => mounted.has(hash));
  return {
    ...release,
    services: { ...release.services, [name]: service },
    networks: { ...files.networks, ...release.networks },
    volumes: { ...files.volumes, ...release.volumes },
    contents: { ...release.contents, ...Object.fromEntries(contents) },
  };
}

/** Where a deploy would start a replica of it. */
async function chooseHost(session: Session, name: string, wanted: string | undefined): Promise<string> {
  const { desired } = session;
  const { isGlobal: _, ...service } = serviceOf(desired, name);
  const pin = wanted === undefined ? [] : [`node.hostname == ${wanted}`];
  const single: DesiredService = {
    ...service,
    ...{ kind: 'replica', replicas: 1, ports: [], dependsOn: {} },
    placement: { ...service.placement, constraints: [...service.placement.constraints, ...pin] },
  };
  const services = { ...desired.services, [name]: single };
  const { plan } = await planProject(
    { ...session, desired: { ...desired, services } },
    { withoutTasks: true },
  );
  for (const step of plan.steps) {
    if (step.kind !== 'roll' || step.service !== name) continue;
    const start = step.moves.find((move) => move.kind !== 'stop');
    if (start !== undefined) return start.host;
  }
  refuseObstacles(plan);
  throw new SeawallError('bug', `no host was found for ${name}`);
}

function serviceOf(desired: Desired, name: string): DesiredService {
  const service = desired.services[name];
  if (service === undefined) throw new SeawallError('bug', `there is no service ${name}`);
  return service;
}
