import { setTimeout as sleep } from 'node:timers/promises';
import { parseEntry } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { Desired } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { type HostLink, listeningPorts, readFacts } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import type { Move, Plan } from '../plan/index.ts';
import { readAcknowledgements } from './acknowledge.ts';
import { edgeHosts } from './context.ts';
import { clusterOf, type Session } from './session.ts';

/** Below this Docker begins to fail in ways that are hard to read: half-written images, logs that stop. */
const LEAST_FREE_BYTES = 512 * 2 ** 20;

/** An agent that was restarted acknowledges again after about 10 s. */
const ACKNOWLEDGERS_BACK_MS = 15_000;

/** Checks what would make a rollout fail half way. Changes nothing. @throws SeawallError */
export async function preflight(session: Session, plan: Plan): Promise<void> {
  await requireAcknowledgers(session);
  requireEdge(session, plan);
  await requireDisk(session);
  await Promise.all(session.links.map((link) => requirePorts(session, link, plan)));
  await Promise.all(session.links.map((link) => requireVolumes(session, link, plan)));
}

/** Everybody who will have to acknowledge is there; who was restarted a moment ago is waited for. */
async function requireAcknowledgers(session: Session): Promise<void> {
  const deadline = performance.now() + ACKNOWLEDGERS_BACK_MS;
  for (;;) {
    const silent = await silentAcknowledgers(session);
    if (silent.length === 0) return;
    if (performance.now() >= deadline) {
      const text = `no acknowledgement from ${silent.join(', ')}; nothing was changed`;
      throw new SeawallError('unreachable', text, {
        hint: 'Its agent or nginx is away, or its host is cut off from the catalog: seawall machine ls',
      });
    }
    await sleep(500, undefined, { signal: session.signal });
  }
}

async function silentAcknowledgers(session: Session): Promise<string[]> {
  const { hosts, signal } = session;
  const { client } = clusterOf(session);
  const [edges, resolvers] = await Promise.all([
    readAcknowledgements(client, KEY.edgeAcks, 0, signal),
    readAcknowledgements(client, KEY.namesAcks, 0, signal),
  ]);
  const isSilent = (host: string): boolean => {
    const ack = edges.acks.get(host);
    return ack === undefined || ack.problems.nginx !== undefined;
  };
  return [
    ...edgeHosts(hosts)
      .filter(isSilent)
      .map((host) => `the edge of ${host}`),
    ...hosts.filter(({ name }) => !resolvers.acks.has(name)).map(({ name }) => `the names of ${name}`),
  ];
}

function requireEdge({ hosts }: Session, plan: Plan): void {
  if (edgeHosts(hosts).length > 0) return;
  if (!plan.steps.some((step) => step.kind === 'publish-routes' && step.routes.length > 0)) return;
  throw new SeawallError('input', 'there are routes, but no host has the role edge', {
    hint: 'Give one host in seawall.yml roles: [edge], then: seawall machine setup',
  });
}

async function requireDisk(session: Session): Promise<void> {
  const { client } = clusterOf(session);
  const { value } = await client.kvList(KEY.alives, { signal: session.signal });
  for (const entry of value) {
    const { disk } = parseEntry<{ disk?: { freeBytes: number } }>(entry);
    if (disk === undefined || disk.freeBytes >= LEAST_FREE_BYTES) continue;
    const host = entry.key.slice(KEY.alives.length);
    const freeBytes = (await lookAtDisk(session, host)) ?? disk.freeBytes;
    if (freeBytes >= LEAST_FREE_BYTES) continue;
    const free = Math.round(freeBytes / 2 ** 20);
    throw new SeawallError('refused', `host ${host} has only ${free} MB of disk left; nothing was changed`, {
      where: host,
      hint: 'Free some: docker system df, then docker image prune or what else is large.',
    });
  }
}

/** A host's sign of life may be half a minute old, and room was made meanwhile. Undefined: it cannot be asked. */
async function lookAtDisk({ links, signal }: Session, host: string): Promise<number | undefined> {
  const link = links.find(({ name }) => name === host);
  return link && (await readFacts(link, { signal })).disk?.freeBytes;
}

/** Fixed ports of what is to start are free, or held by the containers that go first. */
async function requirePorts(session: Session, link: HostLink, plan: Plan): Promise<void> {
  const wanted = plan.steps.flatMap((step) =>
    step.kind === 'roll' && step.moves.some((move) => startsOn(move, link.name))
      ? publishedPorts(session, step.service).map((port) => ({ service: step.service, port }))
      : [],
  );
  if (wanted.length === 0) return;
  const { signal, desired } = session;
  const [taken, own] = await Promise.all([
    listeningPorts(link.docker, { signal }),
    link.docker.listContainers({ labels: [`${LABEL.project}=${desired.project}`], signal }),
  ]);
  for (const { service, port } of wanted) {
    const isOwn = own.some(
      ({ Labels, Ports }) =>
        Labels[LABEL.service] === service && Ports.some(({ PublicPort }) => PublicPort === port),
    );
    if (!taken.has(port) || isOwn) continue;
    throw new SeawallError(
      'refused',
      `port ${port} of ${service} is taken on host ${link.name}; nothing was changed`,
      {
        where: link.name,
        hint: `See who has it (ss -ltnp on ${link.name}), or publish another port in the Compose file.`,
      },
    );
  }
}

/** Nobody else uses the volumes of what is to start: two databases on one volume destroy it. */
async function requireVolumes(session: Session, link: HostLink, plan: Plan): Promise<void> {
  const { desired, signal } = session;
  const volumes = new Set(
    plan.steps.flatMap((step) =>
      step.kind === 'roll' && step.moves.some((move) => startsOn(move, link.name))
        ? writableVolumes(desired, step.service)
        : [],
    ),
  );
  if (volumes.size === 0) return;
  for (const { Names, Labels, Mounts = [] } of await link.docker.listContainers({ signal })) {
    if (Labels[LABEL.project] === desired.project) continue;
    const shared = Mounts.find(({ Name, RW }) => RW && Name !== undefined && volumes.has(Name));
    if (shared === undefined) continue;
    const name = (Names[0] ?? '').replace(/^\//, '');
    throw new SeawallError(
      'refused',
      `the container ${name} on host ${link.name} uses the volume ${shared.Name}; nothing was changed`,
      {
        where: link.name,
        hint: `Seawall did not start it (docker compose did?). Stop it first: docker stop ${name}`,
      },
    );
  }
}

const writableVolumes = (desired: Desired, service: string): string[] =>
  (desired.services[service]?.mounts ?? []).flatMap((mount) =>
    mount.kind === 'volume' && !mount.readOnly ? [desired.volumes[mount.volume]?.dockerName ?? ''] : [],
  );

const startsOn = (move: Move, host: string): boolean => move.kind !== 'stop' && move.host === host;

const publishedPorts = ({ desired }: Session, service: string): number[] =>
  (desired.services[service]?.ports ?? []).flatMap(({ published, protocol }) =>
    published === undefined || protocol === 'udp' ? [] : [published],
  );
