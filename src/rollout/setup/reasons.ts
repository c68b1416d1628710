import { type ClusterFile, linkPort, OWN } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { findContainer, type HostLink, readClusterFile } from '../../hosts/index.ts';
import { type AgentImageSource, agentImageName, findImage } from '../../images/index.ts';
import { hostBodies, outdatedContainers, type SetupParts } from './bodies.ts';

/**
 * What `machine setup` would still do on a host, as short sentences; empty: nothing. Only looks, and quickly: for every
 * plan and deploy.
 */
export function setupReasons(options: {
  readonly config: Pick<Config, 'edge' | 'network' | 'hosts'>;
  readonly agentSource: AgentImageSource;
  readonly parts: SetupParts;
  readonly signal: AbortSignal;
}): (link: HostLink) => Promise<readonly string[]> {
  const name = agentImageName(options.agentSource);
  return async (link) => {
    const { signal, config, parts } = options;
    const file = await readClusterFile(link, { signal });
    if (file === undefined) return ['set up Seawall'];
    const [agent, edge] = await Promise.all([
      findImage(link.docker, await name, { signal }),
      findImage(link.docker, config.edge.image, { signal }),
    ]);
    if (agent === undefined) return ["bring Seawall's agent up to this version"];
    const missing =
      link.roles.includes('edge') && edge === undefined ? [`bring the image ${config.edge.image}`] : [];
    const isStray = !link.roles.includes('edge') && (await findContainer(link.docker, OWN.edge, { signal }));
    const stray = isStray ? ['take the edge away'] : [];
    const other = isOtherLink(config, file) ? [`change the link to ${config.network.link}`] : [];
    const { address, roles, labels } = link;
    const host = { ...file.host, address, roles, labels };
    const wanted: ClusterFile = { ...file, host, httpPort: config.edge.httpPort };
    const bodies = await hostBodies(link, wanted, { agent: agent.Id, edge: edge?.Id }, parts);
    const outdated = await outdatedContainers(link.docker, bodies, signal);
    return [
      ...missing,
      ...stray,
      ...other,
      ...outdated.map((own) => `start ${own.replace(/^seawall-/, '')} anew`),
    ];
  };
}

/** `auto` is satisfied by whatever was settled once. */
function isOtherLink({ network, hosts }: Pick<Config, 'network' | 'hosts'>, file: ClusterFile): boolean {
  const { link, port } = network;
  if (link === 'auto' || link === 'none' || hosts.length < 2) return false;
  return link !== file.link || (port !== undefined && port !== linkPort(file));
}
