import { KEY } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import { readAcknowledgements } from './acknowledge.ts';
import { edgeHosts } from './context.ts';
import { clusterOf, type Session } from './session.ts';

/** Checks what would make a rollout fail half way: everybody who has to acknowledge is there. @throws SeawallError */
export async function preflight(session: Session, plan: Plan): Promise<void> {
  const { client } = clusterOf(session);
  const [edges, resolvers] = await Promise.all([
    readAcknowledgements(client, KEY.edgeAcks, 0, session.signal),
    readAcknowledgements(client, KEY.namesAcks, 0, session.signal),
  ]);
  const silent = [
    ...edgeHosts(session.hosts)
      .filter((host) => !edges.acks.has(host))
      .map((host) => `the edge of ${host}`),
    ...session.hosts
      .filter((host) => !resolvers.acks.has(host.name))
      .map((host) => `the names of ${host.name}`),
  ];
  if (silent.length > 0) {
    throw new SeawallError(
      'unreachable',
      `no acknowledgement from ${silent.join(', ')}; nothing was changed`,
      {
        hint: 'Its agent is away, or its host is cut off from the catalog: seawall machine ls',
      },
    );
  }
  const edge = edgeHosts(session.hosts);
  if (
    edge.length === 0 &&
    plan.steps.some((step) => step.kind === 'publish-routes' && step.routes.length > 0)
  ) {
    throw new SeawallError('input', 'there are routes, but no host has the role edge', {
      hint: 'Give one host in seawall.yml roles: [edge], then: seawall machine setup',
    });
  }
}
