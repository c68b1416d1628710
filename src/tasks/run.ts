import type { Desired } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { CreateContainerBody, Docker, HostLink } from '../hosts/index.ts';
import { isNotFound } from '../hosts/index.ts';
import { containerPlan } from '../plan/index.ts';
import { joinStreams, type LocalStreams, terminalSize } from './attach.ts';
import { type Overrides, oneOffService } from './one-off.ts';
import { chooseRunHost } from './run-host.ts';

export interface RunRequest {
  /** As deployed: the release in force. */
  readonly desired: Desired;
  readonly service: string;
  readonly release: number;
  /** Cluster id. */
  readonly cluster: string;
  readonly links: readonly HostLink[];
  /** Host name → its private address, where names are served. */
  readonly privateAddresses: ReadonlyMap<string, string>;
  readonly overrides: Overrides;
  /** Removes the container, with its anonymous volumes, when the program has ended. */
  readonly remove: boolean;
  /** Makes the container's name its own. */
  readonly suffix: string;
  readonly signal: AbortSignal;
}

const CLEANUP_TIMEOUT_MS = 60_000;

/**
 * Runs a one-off container of a service on a host that has what it needs, joined to the user's terminal or pipes.
 * Stopped and removed when the signal ends it. @returns the program's exit code.
 */
export async function runOneOff(request: RunRequest, local: LocalStreams): Promise<number> {
  const { desired, service: name, signal, overrides } = request;
  const service = desired.services[name];
  if (service === undefined) {
    throw new SeawallError('refused', `${name} is not part of the release that runs`, {
      hint: 'Deploy it first: seawall deploy',
    });
  }
  const { link, image } = await chooseRunHost(request.links, desired, service, signal);
  const { body, connect } = containerPlan(desired, oneOffService(service, overrides), {
    cluster: request.cluster,
    privateAddress: request.privateAddresses.get(link.name) ?? '',
    kind: 'oneoff',
    replica: 0,
    release: request.release,
    config: '',
    image,
    addresses: {},
  });
  const { docker } = link;
  const containerName = `${desired.project}-${name}-run-${request.suffix}`;
  const platform = service.platform === undefined ? {} : { platform: service.platform };
  const id = await docker.createContainer(containerName, body as CreateContainerBody, {
    ...platform,
    signal,
  });
  try {
    for (const { network, endpoint } of connect)
      await docker.connectNetwork(network, id, endpoint, { signal });
    return await startAndJoin(docker, id, overrides.tty, local, signal);
  } finally {
    await cleanUp(docker, id, service.stopGraceMs, request.remove);
  }
}

async function startAndJoin(
  docker: Docker,
  id: string,
  tty: boolean,
  local: LocalStreams,
  signal: AbortSignal,
): Promise<number> {
  const stream = await docker.attachContainer(id, { stdin: true, signal });
  try {
    await docker.startContainer(id, { signal });
  } catch (error) {
    stream.destroy();
    throw error;
  }
  const resize = (size: ReturnType<typeof terminalSize>) => docker.resizeContainer(id, size, { signal });
  if (tty) await resize(terminalSize(local)).catch(() => undefined);
  await joinStreams(local, { stream, tty, resize }, signal);
  signal.throwIfAborted();
  return docker.waitContainer(id, { signal });
}

/** Done whatever happened before, so it does not listen to the signal that may have ended the program. */
async function cleanUp(docker: Docker, id: string, graceMs: number, remove: boolean): Promise<void> {
  const signal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS + graceMs);
  try {
    await docker.stopContainer(id, graceMs, { signal });
    if (remove) await docker.removeContainer(id, { force: true, volumes: true, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
