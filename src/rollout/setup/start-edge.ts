import type { CatalogClient } from '../../catalog/index.ts';
import { defaultEdgeRules, HOST_PATH, OWN } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import {
  type Ensured,
  ensureContainer,
  findContainer,
  type HostLink,
  isContainerCurrent,
  listeningPorts,
} from '../../hosts/index.ts';
import { waitForEdge, waitForGeneration } from './await-parts.ts';
import { measureGap } from './edge-gap.ts';
import { type HostWork, stopGraceMs } from './host-work.ts';
import { isOnlyEdge } from './reasons.ts';
import type { SetupOptions } from './setup.ts';

/** Makes the edge of a host run as it should, or takes one away that lost the role. */
export async function startEdge(work: HostWork, options: SetupOptions, client: CatalogClient): Promise<void> {
  const { link, file, bodies, done } = work;
  const { report, signal } = options;
  if (bodies.edge === undefined) return removeEdge(work, options);
  const { edge } = bodies;
  await waitForGeneration(link, signal);
  await requirePorts(work, options);
  const replace = () => ensureContainer(link.docker, OWN.edge, edge, { graceMs: stopGraceMs, signal });
  const isMeasured = isOnlyEdge(file.hosts, link.name) && (await isReplaced(work, options));
  const { value: made, gapMs }: { readonly value: Ensured; readonly gapMs?: number } = isMeasured
    ? await measureGap(link.docker, file.httpPort, replace, signal)
    : { value: await replace() };
  if (made === 'kept') return;
  if (gapMs !== undefined) work.edgeGapMs = gapMs;
  done.push(`edge ${made}`);
  await waitForEdge({ report, signal, client }, link.name);
}

/** An edge that serves now and is to be another. */
async function isReplaced({ link, bodies }: HostWork, { signal }: SetupOptions): Promise<boolean> {
  const found = await findContainer(link.docker, OWN.edge, { signal });
  if (found?.State.Running !== true || bodies.edge === undefined) return false;
  return !(await isContainerCurrent(link.docker, OWN.edge, bodies.edge, { signal }));
}

/** nginx would start again and again, or refuse its configuration, on a port that somebody else has. */
async function requirePorts({ link, file }: HostWork, { signal }: SetupOptions): Promise<void> {
  const [taken, own] = await Promise.all([
    listeningPorts(link.docker, { signal }),
    ownPorts(link.docker, signal),
  ]);
  const ports = [
    ['http_port', file.httpPort, 8080],
    ['https_port', (file.edge ?? defaultEdgeRules).httpsPort, 8443],
  ] as const;
  for (const [key, port, other] of ports) {
    if (!taken.has(port) || own.has(port)) continue;
    throw new SeawallError('refused', `port ${port} of ${link.name} is taken: the edge cannot listen there`, {
      where: link.name,
      hint: `See who has it: ss -ltnp 'sport = :${port}'. Stop that, or write edge: { ${key}: ${other} } in seawall.yml.`,
    });
  }
}

/** Ports that the running edge listens on. */
async function ownPorts(docker: HostLink['docker'], signal: AbortSignal): Promise<ReadonlySet<number>> {
  const found = await findContainer(docker, OWN.edge, { signal });
  if (found?.State.Running !== true) return new Set();
  const { stdout } = await docker.exec(OWN.agent, ['cat', `${HOST_PATH.edge}/current/nginx.conf`], {
    signal,
  });
  return new Set([...stdout.matchAll(/\blisten \S+:(\d+)/g)].map(([, port]) => Number(port)));
}

/** A host that lost the role no longer listens. */
async function removeEdge({ link, done }: HostWork, { signal }: SetupOptions): Promise<void> {
  if (link.roles.includes('edge') || !(await findContainer(link.docker, OWN.edge, { signal }))) return;
  await link.docker.stopContainer(OWN.edge, stopGraceMs, { signal });
  await link.docker.removeContainer(OWN.edge, { force: true, signal });
  done.push('edge removed');
}
